const PORT_TAKEN = /address already in use|failed to bind/i;

/** A server did not start, or ended by itself. `log` holds the end of what it wrote. */
export class ServiceFailed extends Error {
  override readonly name = 'ServiceFailed';
  readonly code = 'SERVICE_FAILED';

  constructor(
    readonly service: string,
    what: string,
    readonly log = '',
  ) {
    super(`${service} ${what}${log === '' ? '' : `. It wrote:\n${log}`}`);
  }

  get portTaken(): boolean {
    return PORT_TAKEN.test(this.log);
  }
}
