import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * How the gateway treats charges. `answers`: as it should. `charges in silence`: it charges and never answers. `loses them`: they never reach it, and
 * nobody hears so. `breaks`: it refuses each without having done anything.
 */
export type Manners = 'answers' | 'charges in silence' | 'loses them' | 'breaks';

/** A payment provider on 127.0.0.1. It charges once per idempotency key, and tells what it knows of a key; a key that it is asked to void is never charged. */
export class PaymentGateway {
  charges: Manners = 'answers';
  /** Whether it tells what it knows of a key. */
  knows = true;
  /** Every call that reached it, by its key. */
  readonly calls: string[] = [];
  readonly charged: string[] = [];
  private readonly voided = new Set<string>();
  private readonly server = createServer((request, response) => this.take(request, response));

  static async open(): Promise<PaymentGateway> {
    const gateway = new PaymentGateway();
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

  private take({ method, headers, url }: IncomingMessage, response: ServerResponse): void {
    const key = String(headers['idempotency-key']);
    if (method === 'POST' && url === '/charges') return this.charge(key, response);
    if (!this.knows) return end(response, 503);
    if (this.charged.includes(key)) return end(response, 200);
    this.voided.add(key);
    end(response, 404);
  }

  private charge(key: string, response: ServerResponse): void {
    this.calls.push(key);
    if (this.charges === 'loses them') return;
    if (this.charges === 'breaks') return end(response, 503);
    if (this.voided.has(key)) return end(response, 402);
    if (!this.charged.includes(key)) this.charged.push(key);
    if (this.charges === 'answers') end(response, 201);
  }
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
