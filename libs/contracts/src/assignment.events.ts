import { DomainEvent } from 'nest-saga/definition';
import { z } from 'zod';

export class UserAssigned extends DomainEvent(
  'user.assigned',
  z.object({ taskId: z.uuid(), userId: z.string(), assignmentId: z.uuid() }),
) {}

export class UserAssignmentFailed extends DomainEvent(
  'user.assignment.failed',
  z.object({ taskId: z.uuid(), userId: z.string(), reason: z.string() }),
) {}

export class UserUnassigned extends DomainEvent(
  'user.unassigned',
  z.object({ taskId: z.uuid(), userId: z.string(), assignmentId: z.uuid(), compensationReason: z.string() }),
) {}
