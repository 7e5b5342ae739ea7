import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface HouseMail {
  readonly id: string;
  readonly key: string;
  readonly to: string;
  /** The mail that it corrects. */
  readonly quotes?: string;
  state: 'queued' | 'sent' | 'suppressed';
}

/**
 * A provider on 127.0.0.1 that sends mails. It takes one mail per idempotency key, and suppresses a mail that is still in its queue. What went out is
 * out.
 */
export class MailHouse {
  /** Mails stay in the queue until it is emptied. */
  queues = false;
  /** Which mails it cannot deliver. */
  bounces: 'none' | 'corrections' | 'all' = 'none';
  /** How many of the next answers to corrections are lost. */
  loses = 0;
  readonly mails: HouseMail[] = [];
  /** Every request to send, by its key. */
  readonly asked: string[] = [];
  private readonly server = createServer((request, response) => void this.take(request, response));

  static async open(): Promise<MailHouse> {
    const house = new MailHouse();
    await new Promise<void>((resolve) => house.server.listen(0, '127.0.0.1', resolve));
    return house;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get corrections(): readonly HouseMail[] {
    return this.mails.filter(({ quotes }) => quotes !== undefined);
  }

  emptyQueue(): void {
    for (const mail of this.mails) if (mail.state === 'queued') mail.state = 'sent';
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'DELETE') return this.suppress(request.url!.slice('/mails/'.length), response);
    const mail = JSON.parse(await text(request)) as { to: string; quotes?: string };
    this.send(String(request.headers['idempotency-key']), mail, response);
  }

  private suppress(id: string, response: ServerResponse): void {
    const mail = this.mails.find((one) => one.id === id);
    if (mail?.state === 'queued') mail.state = 'suppressed';
    response.writeHead(mail?.state === 'suppressed' ? 204 : 409).end();
  }

  private send(key: string, mail: { to: string; quotes?: string }, response: ServerResponse): void {
    this.asked.push(key);
    const isCorrection = mail.quotes !== undefined;
    if (this.bounces === 'all' || (isCorrection && this.bounces === 'corrections'))
      return void response.writeHead(422).end();
    const known = this.mails.find((one) => one.key === key);
    const id = known?.id ?? `mail-${this.mails.length + 1}`;
    if (!known) this.mails.push({ ...mail, id, key, state: this.queues ? 'queued' : 'sent' });
    if (isCorrection && this.loses > 0) {
      this.loses -= 1;
      return void response.destroy();
    }
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ id }));
  }
}
