import type { INestApplicationContext, Type } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { Sagas, inMemory, kafka, type FlowSettings, type SagaModuleOptions } from 'nest-saga';
import { v7 } from 'uuid';
import { Assigning, NotificationSent, TaskMarkedFailed } from './assignment.saga.js';
import { Assignment, Notification, Task } from './business-rows.js';
import { startService } from './nest-application.js';
import { services, type Ending, type Program, type ServiceName, type Surroundings } from './program.js';
import { AssignmentSteps, NotificationSteps, TaskSteps } from './repository-steps.js';
import { SqlAssignmentSteps, SqlNotificationSteps, SqlTaskSteps } from './sql-steps.js';

/** What the handlers write their rows with. */
export type Handlers = 'repository' | 'sql';

const rows: Readonly<Record<ServiceName, Type>> = { task: Task, assignment: Assignment, notification: Notification };

const steps: Readonly<Record<Handlers, Readonly<Record<ServiceName, Type>>>> = {
  repository: { task: TaskSteps, assignment: AssignmentSteps, notification: NotificationSteps },
  sql: { task: SqlTaskSteps, assignment: SqlAssignmentSteps, notification: SqlNotificationSteps },
};

export function openMemorySagas(
  at: Surroundings,
  handlers: Handlers,
  settings?: Partial<FlowSettings>,
): Promise<Program> {
  return openSagas(at, handlers, { transport: inMemory({ retention: 0 }), ...(settings && { settings }) });
}

/** Over a real broker; the topics are this run's own. */
export function openKafkaSagas(at: Surroundings): Promise<Program> {
  const transport = kafka({ brokers: [...(at.brokers ?? [])], createTopics: { partitions: 6, replicationFactor: 1 } });
  return openSagas(at, 'repository', { transport, prefix: `bench-${Date.now()}.` });
}

/** The library as an application uses it: three Nest applications, sagas started by `sagas.start`. */
export async function openSagas(
  at: Surroundings,
  handlers: Handlers,
  options: Omit<SagaModuleOptions, 'service'>,
): Promise<NestSagas> {
  const applications = new Map<ServiceName, INestApplicationContext>();
  for (const service of services) {
    const parts = { service, url: at[service], row: rows[service], steps: steps[handlers][service] };
    applications.set(service, await startService({ ...parts, options }));
  }
  return new NestSagas(applications);
}

/** A saga has ended when its last event is on the event bus of the service that emitted it, which is after its commit. */
export class NestSagas implements Program {
  private readonly waiting = new Map<string, () => void>();
  private readonly sagas: Sagas;

  constructor(private readonly applications: ReadonlyMap<ServiceName, INestApplicationContext>) {
    const task = applications.get('task')!;
    this.sagas = task.get(Sagas);
    this.listen(task, TaskMarkedFailed);
    this.listen(applications.get('notification')!, NotificationSent);
  }

  async run(ending: Ending): Promise<void> {
    const taskId = v7();
    const ended = new Promise<void>((resolve) => this.waiting.set(taskId, resolve));
    const input = {
      taskId,
      title: 'Prepare the quarterly report',
      assigneeId: 'user-17',
      deliverable: ending === 'happy',
    };
    await this.sagas.start(Assigning, input);
    await ended;
  }

  async close(): Promise<void> {
    for (const application of this.applications.values()) await application.close();
  }

  private listen(application: INestApplicationContext, last: typeof NotificationSent | typeof TaskMarkedFailed): void {
    application.get(EventBus).subscribe((event) => {
      if (!(event instanceof last)) return;
      const { taskId } = event;
      this.waiting.get(taskId)?.();
      this.waiting.delete(taskId);
    });
  }
}
