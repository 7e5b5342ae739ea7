import { connectionLeaks, leaks } from './leaks.js';

const small = { pid: 1, heapBytes: 60_000_000, timers: 10, sockets: 12 };

describe('what processes hold after a round', () => {
  test.each([
    ['heapBytes', 100_000_000],
    ['timers', 60],
    ['sockets', 60],
  ] as const)('%s that only grow are told', (what, many) => {
    const after = new Map([[1, { ...small, [what]: many }]]);
    expect(leaks(new Map([[1, small]]), after)).toEqual([
      { invariant: 'I12', harm: 'wrong', what: `process 1 holds ${many} ${what}, before it was ${small[what]}` },
    ]);
  });

  test('a process that is new, or holds a little more, is no leak', () => {
    const after = new Map([
      [1, { ...small, timers: 15 }],
      [2, { ...small, heapBytes: 200_000_000 }],
    ]);
    expect(leaks(new Map([[1, small]]), after)).toEqual([]);
  });

  test('connections beyond the pools are told', () => {
    const counted = new Map([
      ['task', 21],
      ['assignment', 20],
    ]);
    expect(connectionLeaks(counted, 2)).toEqual([
      { invariant: 'I12', harm: 'wrong', what: 'task has 21 connections to Postgres, its pools hold 20' },
    ]);
  });
});
