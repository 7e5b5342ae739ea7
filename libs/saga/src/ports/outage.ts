import { reasonOf } from '../protocol/reason.js';

interface Lines {
  warn(line: string): void;
  log(line: string): void;
}

/** Where a connection is, and not what was asked for over it: of several such reasons one is enough. */
const away =
  /ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|connection|timeout|starting up|shutting down|code (08|57|53)/i;

/**
 * What many parts of a service need and do not get, such as the database. The log is told once when it begins, by whoever meets it first; of any other
 * reason once too; and once when all of them work again.
 */
export class Outage {
  private readonly failing = new Set<string>();
  private readonly told = new Set<string>();
  private since = 0;

  constructor(
    private readonly what: string,
    private readonly logger: Lines,
    private readonly now: () => Date,
  ) {}

  /** @param part who failed, in words: `looking for due attempts` */
  failed(part: string, error: unknown): void {
    if (this.failing.size === 0) this.since = this.now().getTime();
    this.failing.add(part);
    const reason = reasonOf(error);
    const kind = away.test(reason) ? 'away' : reason;
    if (this.told.has(kind)) return;
    this.told.add(kind);
    this.logger.warn(
      `Trouble with ${this.what}: ${part} failed and is tried again, with pauses, until it works. Nothing more is said of it until then: ${reason}`,
    );
  }

  worked(part: string): void {
    if (!this.failing.delete(part) || this.failing.size > 0) return;
    this.told.clear();
    const seconds = Math.round((this.now().getTime() - this.since) / 1_000);
    this.logger.log(`No more trouble with ${this.what}, after ${seconds} s.`);
  }
}
