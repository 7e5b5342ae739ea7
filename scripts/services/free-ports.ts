import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { ServiceFailed } from './service-failed.js';

const ATTEMPTS = 4;

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

/** That many different ports which nobody listens on. They are not reserved: somebody may be faster than you. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
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
