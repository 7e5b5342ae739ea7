import type { SagaModuleOptions } from 'nest-saga';
import type { MailCatcher } from '../services/mail.js';

/** Where the services keep their rows, one database each, and where mail goes. */
export interface Ground {
  readonly databases: { readonly task: string; readonly assignment: string; readonly notification: string };
  readonly mail: MailCatcher;
}

/** The three services at work. */
export interface Services {
  /** Where the task service answers. */
  readonly url: string;
  /** What their events travel over, for whoever wants to read along. */
  readonly transport: SagaModuleOptions['transport'];
  readonly topic: string;
  stop(): Promise<void>;
}
