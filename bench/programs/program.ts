/** How a saga of the bench ends: with all three steps done, or with the third refused and the first two undone. */
export type Ending = 'happy' | 'fail';

export const endings: readonly Ending[] = ['happy', 'fail'];

/** One way to do the work: create a task, assign a user, send a notification, in three services with a database each. */
export interface Program {
  /** Runs one saga; resolves when its last change is committed. */
  run(ending: Ending): Promise<void>;
  close(): Promise<void>;
}

/** The three databases, and the broker for programs that use one. */
export interface Surroundings {
  readonly task: string;
  readonly assignment: string;
  readonly notification: string;
  readonly brokers?: readonly string[];
}

export const services = ['task', 'assignment', 'notification'] as const;

export type ServiceName = (typeof services)[number];
