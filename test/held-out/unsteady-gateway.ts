import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.js';

/** Longer than anybody waits for an answer. */
const slow = 1_500;

const manners = ['refuses', 'loses the call', 'loses the answer', 'is slow to do it', 'is slow to answer'] as const;

/** Charges and refunds once per key. What becomes of a call is chance; a key that it is asked to void is never charged. */
export class UnsteadyGateway {
  readonly done: { readonly key: string; readonly what: string; readonly order: string; readonly at: number }[] = [];
  /** The share of calls that do not go well. */
  trouble = 0;
  private readonly voided = new Set<string>();
  private readonly server = createServer((request, response) => void this.take(request, response));

  private constructor(private readonly random: Random) {}

  static async open(random: Random): Promise<UnsteadyGateway> {
    const gateway = new UnsteadyGateway(random);
    await new Promise<void>((resolve) => gateway.server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take({ method, headers, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(headers['idempotency-key']);
    const manner = this.random.happens(this.trouble) ? this.random.pick(manners) : 'answers';
    if (manner === 'refuses') return answer(response, 503);
    if (manner === 'loses the call') return void response.destroy();
    if (manner === 'is slow to do it') await sleep(slow);
    const status = method === 'DELETE' ? this.tells(key) : this.does(key, url);
    if (manner === 'loses the answer') return void response.destroy();
    if (manner === 'is slow to answer') await sleep(slow);
    answer(response, status);
  }

  private knows(key: string): boolean {
    return this.done.some((one) => one.key === key);
  }

  private tells(key: string): number {
    if (this.knows(key)) return 200;
    this.voided.add(key);
    return 404;
  }

  private does(key: string, url: string): number {
    const [, what = '', order = ''] = url.split('/');
    if (this.knows(key)) return 200;
    if (this.voided.has(key) || order.startsWith('poor')) return 402;
    this.done.push({ key, what, order, at: Date.now() });
    return 200;
  }
}

function answer(response: ServerResponse, status: number): void {
  if (!response.destroyed) response.writeHead(status).end();
}
