import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a process holds when everything that nobody needs is collected. */
export interface Holding {
  readonly pid: number;
  readonly heapBytes: number;
  readonly timers: number;
  readonly sockets: number;
}

/** Writes a line of JSON to the file whenever the process gets SIGWINCH: one of the few signals on which Nest does not shut down. */
export function tellHoldings(file: string | undefined): void {
  if (file === undefined || file === '') return;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGWINCH', () => {
    collect();
    appendFileSync(file, `${JSON.stringify(holding())}\n`);
  });
}

function holding(): Holding {
  const resources = process.getActiveResourcesInfo();
  const count = (name: string): number => resources.filter((resource) => resource === name).length;
  return {
    pid: process.pid,
    heapBytes: process.memoryUsage().heapUsed,
    timers: count('Timeout'),
    sockets: count('TCPSocketWrap'),
  };
}
