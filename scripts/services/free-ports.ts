import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { ServiceFailed } from './service-failed.js';

const ATTEMPTS = 4;

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function closeAll(servers: Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
}

/** That many different ports which nobody listens on. They are not reserved: somebody may be faster than you. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await closeAll(servers);
  return ports;
}

export async function assertFree(ports: number[]): Promise<void> {
  for (const port of ports) {
    const server = await listen(port).catch((cause: Error) => {
      throw new Error(`Port ${port} of 127.0.0.1 cannot be used: ${cause.message}. Choose another.`, { cause });
    });
    await closeAll([server]);
  }
}

/** Starts something on free ports, and again on others when somebody took one of them in between. */
export async function onFreePorts<T>(count: number, start: (ports: number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof ServiceFailed && error.portTaken)) throw error;
    }
  }
}
