import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { after, inOwnContext, sleep, soon } from './own-context.js';

const requests = new AsyncLocalStorage<string>();
const context = (): string | undefined => requests.getStore();

/** What a callback saw that something called later. */
function seenBy(schedule: (call: () => void) => unknown): Promise<string | undefined> {
  return new Promise((resolve) => requests.run('request', () => schedule(() => resolve(context()))));
}

describe('the library’s own context', () => {
  it('is nobody’s, before and after what is awaited, and the caller is in its own again', async () => {
    await requests.run('request', async () => {
      const seen = await inOwnContext(async () => {
        const before = context();
        await turn();
        return [before, context()];
      });
      expect([...seen, context()]).toEqual([undefined, undefined, 'request']);
    });
  });

  it('forgets what was put into it', async () => {
    await inOwnContext(async () => {
      requests.enterWith('at once');
      await turn();
      requests.enterWith('later');
    });
    expect([context(), inOwnContext(context)]).toEqual([undefined, undefined]);
  });

  it('passes on what is thrown', () => {
    const wrong = new Error('wrong');
    expect(() =>
      inOwnContext(() => {
        throw wrong;
      }),
    ).toThrow(wrong);
  });

  it('is that of timers, whoever sets them', async () => {
    expect(await seenBy((call) => after(1, call))).toBeUndefined();
    expect(await seenBy((call) => soon(call))).toBeUndefined();
  });
});

describe('a timer', () => {
  it('that is forgotten does not call', async () => {
    let called = false;
    const forget = after(1, () => (called = true));
    forget();
    await sleep(10);
    expect(called).toBe(false);
  });
});

describe('a sleep', () => {
  it('ends early when it is aborted, also before it began, and leaves the context of who sleeps', async () => {
    const ending = new AbortController();
    await requests.run('request', async () => {
      const sleeping = sleep(3_600_000, { signal: ending.signal });
      ending.abort();
      await sleeping;
      await sleep(3_600_000, { signal: ending.signal });
      expect(context()).toBe('request');
    });
  });
});
