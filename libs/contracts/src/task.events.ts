import { DomainEvent } from 'nest-saga/definition';
import { z } from 'zod';

export const Priority = z.enum(['low', 'normal', 'high']);

export class TaskCreated extends DomainEvent(
  'task.created',
  z.object({ taskId: z.uuid(), title: z.string(), assigneeId: z.string(), priority: Priority }),
) {}

export class TaskMarkedFailed extends DomainEvent(
  'task.marked.failed',
  z.object({ taskId: z.uuid(), failedStep: z.string(), reason: z.string() }),
) {}
