import { mkdirSync, writeFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector/promises';
import { dirname } from 'node:path';

/** Runs the work with the CPU profiler on and writes what it saw, for Chrome's developer tools or an editor. The directory of the file is made if it is not there. */
export async function profiled<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  try {
    return await work();
  } finally {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
    session.disconnect();
    for (const line of hottest(profile)) console.log(line);
  }
}

/** The functions with the most time of their own. */
function hottest(profile: Profiler.Profile): readonly string[] {
  const times = new Map<string, number>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const deltas = profile.timeDeltas ?? [];
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const { functionName, url, lineNumber } = nodes.get(id)!.callFrame;
    const place = `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`;
    times.set(place, (times.get(place) ?? 0) + (deltas[index] ?? 0));
  }
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 40)
    .map(([place, time]) => `${((time / all) * 100).toFixed(1).padStart(5)} %  ${place}`);
}
