import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { KafkaOptions } from '../../libs/saga/src/adapters/kafka/kafka-options.js';

/** Stands before one broker and cuts a connection now and then just when the broker has answered: what was done there, the client never hears. */
export class CuttingProxy {
  /** Of so many answers one is lost; 0: none. */
  cutEvery = 0;
  cuts = 0;
  private answers = 0;
  private readonly open = new Set<Socket>();
  private readonly server = createServer((client) => this.connected(client));

  private constructor(private readonly brokerPort: number) {}

  static async before(broker: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(Number(broker.split(':')[1]));
    await new Promise<void>((listening) => proxy.server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => proxy.close());
    return proxy;
  }

  /** Sends a client through the proxy, wherever the broker says that it is to be reached. */
  readonly socketFactory: NonNullable<KafkaOptions['socketFactory']> = ({ onConnect }) =>
    connect({ host: '127.0.0.1', port: (this.server.address() as AddressInfo).port }, onConnect);

  private connected(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.brokerPort });
    const end = (): void => {
      for (const socket of [client, broker]) {
        this.open.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, broker]) {
      this.open.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.pipe(broker);
    broker.on('data', (answer) => {
      this.answers += 1;
      if (this.cutEvery === 0 || this.answers % this.cutEvery !== 0) return client.write(answer);
      this.cuts += 1;
      return end();
    });
  }

  private async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }
}
