import type { ServiceName } from '../programs/program.js';

/** What a floor hands from service to service, in memory. */
export interface FloorMessage {
  readonly sagaId: string;
  /** Of the assignment or the notification that the message is about. */
  readonly rowId: string;
  /** The event that handling it emits, and the row that it leaves in the outbox. */
  readonly outboxId: string;
  readonly event: string;
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
}

/** One handler of the hand-written services: where it runs, what it writes, who is next. */
export interface FloorHandler {
  readonly name: string;
  readonly service: ServiceName;
  readonly status: 'done' | 'rejected' | 'compensated';
  /** Writes the business rows of the messages in `todo (saga_id, row_id)`; a refusal writes none. */
  readonly business?: string;
}

export const createTask: FloorHandler = {
  name: 'createTask',
  service: 'task',
  status: 'done',
  business: `INSERT INTO task (id, title, assignee_id, state) SELECT saga_id, 'Prepare the quarterly report', 'user-17', 'open' FROM todo`,
};

export const assignUser: FloorHandler = {
  name: 'assignUser',
  service: 'assignment',
  status: 'done',
  business: `INSERT INTO assignment (id, task_id, user_id) SELECT row_id, saga_id, 'user-17' FROM todo`,
};

export const sendNotification: FloorHandler = {
  name: 'sendNotification',
  service: 'notification',
  status: 'done',
  business: `INSERT INTO notification (id, task_id, channel) SELECT row_id, saga_id, 'email' FROM todo`,
};

export const refuseNotification: FloorHandler = {
  name: 'sendNotification',
  service: 'notification',
  status: 'rejected',
};

export const unassignUser: FloorHandler = {
  name: 'assignUser',
  service: 'assignment',
  status: 'compensated',
  business: `DELETE FROM assignment USING todo WHERE assignment.task_id = todo.saga_id AND assignment.id = todo.row_id`,
};

export const markTaskFailed: FloorHandler = {
  name: 'createTask',
  service: 'task',
  status: 'compensated',
  business: `UPDATE task SET state = 'failed' FROM todo WHERE task.id = todo.saga_id`,
};
