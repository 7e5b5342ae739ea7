import { describe, expect, test } from 'vitest';
import type { StepRole, StepShape } from '../definition/saga-definition.js';
import { advance } from './step-machine.js';
import type { Advance, Signal, StepState, StepStatus } from './step-state.js';

// Every cell of the participant machine. A cell is the new status, `stays` (only a set may grow), or the verdict on a signal that moves
// nothing. `lateUndo`: an anomaly, and the effect that a closed step had after all is undone.
const table = `
signal                        | role  | none      | running      | done         | compensating | deadLettered | rejected | cancelled | compensated
started                       | C P R | running   | duplicate    | duplicate    | duplicate    | duplicate    | ignored  | ignored   | ignored
predecessorDone first         | C P R | stays     | ignored      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
predecessorDone last          | C P R | running   | ignored      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
predecessorDone again         | C P R | duplicate | duplicate    | duplicate    | duplicate    | duplicate    | ignored  | ignored   | ignored
predecessorDone stranger      | C P R | anomaly   | anomaly      | anomaly      | anomaly      | anomaly      | anomaly  | anomaly   | anomaly
predecessorClosed first       | C P R | cancelled | anomaly      | anomaly      | anomaly      | anomaly      | ignored  | ignored   | ignored
predecessorClosed last        | C P R | cancelled | anomaly      | anomaly      | anomaly      | anomaly      | ignored  | ignored   | ignored
predecessorClosed stranger    | C P R | anomaly   | anomaly      | anomaly      | anomaly      | anomaly      | anomaly  | anomaly   | anomaly
successorClosed first         | C P R | cancelled | stays        | stays        | stays        | stays        | ignored  | ignored   | ignored
successorClosed last          | C     | cancelled | stays        | compensating | stays        | stays        | ignored  | ignored   | ignored
successorClosed last          | P R   | cancelled | stays        | stays        | stays        | stays        | ignored  | ignored   | ignored
successorClosed again         | C P R | duplicate | duplicate    | duplicate    | duplicate    | duplicate    | ignored  | ignored   | ignored
successorClosed stranger      | C P R | anomaly   | anomaly      | anomaly      | anomaly      | anomaly      | anomaly  | anomaly   | anomaly
abortRequested                | C P   | cancelled | ignored      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
abortRequested                | R     | ignored   | ignored      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
effectRecorded                | C P R | anomaly   | done         | duplicate    | duplicate    | duplicate    | lateUndo | lateUndo  | duplicate
effectRecorded one closed     | C P R | anomaly   | done         | duplicate    | duplicate    | duplicate    | lateUndo | lateUndo  | duplicate
effectRecorded all closed     | C     | anomaly   | compensating | duplicate    | duplicate    | duplicate    | lateUndo | lateUndo  | duplicate
effectRecorded all closed     | P R   | anomaly   | done         | duplicate    | duplicate    | duplicate    | lateUndo | lateUndo  | duplicate
skipped                       | C P R | ignored   | done         | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
skipped all closed            | C     | ignored   | compensating | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
skipped all closed            | P R   | ignored   | done         | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
rejected                      | C P   | ignored   | rejected     | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
rejected                      | R     | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
attemptBegun                  | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
attemptBegun again            | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
attemptFailed the only one    | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
attemptFailed after another   | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
attemptFailed late            | C P R | ignored   | ignored      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
outcomeUnknown                | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
outcomeUnknown of an attempt  | C P R | ignored   | stays        | ignored      | stays        | ignored      | ignored  | ignored   | ignored
notHappened                   | C P R | ignored   | stays        | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
attemptsExhausted             | C P   | ignored   | rejected     | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
attemptsExhausted             | R     | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
attemptsExhausted undecided   | C P R | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
abandoned one closed          | C P R | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
abandoned all closed          | C     | ignored   | cancelled    | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
abandoned all closed          | P R   | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
abandoned all but undecided   | C P R | ignored   | refused      | ignored      | ignored      | ignored      | ignored  | ignored   | ignored
undone                        | C P R | ignored   | ignored      | ignored      | compensated  | ignored      | ignored  | ignored   | ignored
undoExhausted                 | C P R | ignored   | ignored      | ignored      | deadLettered | ignored      | ignored  | ignored   | ignored
resolve                       | C P R | refused   | refused      | refused      | refused      | compensated  | refused  | refused   | refused
waive                         | C P R | refused   | refused      | refused      | refused      | compensated  | refused  | refused   | refused
redrive                       | C P R | refused   | refused      | refused      | refused      | compensating | refused  | refused   | refused
`;

/** What the row knew before, and who the signal is from. The step comes after p and q, and before s and t. */
const situations: Readonly<Record<string, { before: Partial<StepState>; from?: string; attempt?: string }>> = {
  'predecessorDone first': { before: {}, from: 'p' },
  'predecessorDone last': { before: { predecessorsDone: ['p'] }, from: 'q' },
  'predecessorDone again': { before: { predecessorsDone: ['p'] }, from: 'p' },
  'predecessorDone stranger': { before: {}, from: 's' },
  'predecessorClosed first': { before: {}, from: 'p' },
  'predecessorClosed last': { before: { predecessorsDone: ['p'] }, from: 'q' },
  'predecessorClosed stranger': { before: {}, from: 's' },
  'successorClosed first': { before: {}, from: 's' },
  'successorClosed last': { before: { successorsClosed: ['s'] }, from: 't' },
  'successorClosed again': { before: { successorsClosed: ['s'] }, from: 's' },
  'successorClosed stranger': { before: {}, from: 'p' },
  'effectRecorded one closed': { before: { successorsClosed: ['t'] } },
  'effectRecorded all closed': { before: { successorsClosed: ['t', 's'] } },
  'skipped all closed': { before: { successorsClosed: ['t', 's'] } },
  attemptBegun: { before: {}, attempt: '2' },
  'attemptBegun again': { before: { undecided: { attempt: '1', earlier: false } }, attempt: '2' },
  'attemptFailed the only one': { before: { undecided: { attempt: '2', earlier: false } }, attempt: '2' },
  'attemptFailed after another': { before: { undecided: { attempt: '2', earlier: true } }, attempt: '2' },
  'attemptFailed late': { before: { undecided: { attempt: '2', earlier: false } }, attempt: '1' },
  'outcomeUnknown of an attempt': { before: { undecided: { attempt: '2', earlier: false } } },
  notHappened: { before: { undecided: { attempt: '2', earlier: true } } },
  'attemptsExhausted undecided': { before: { undecided: { attempt: '2', earlier: false } } },
  'abandoned one closed': { before: { successorsClosed: ['t'] } },
  'abandoned all closed': { before: { successorsClosed: ['t', 's'] } },
  'abandoned all but undecided': {
    before: { successorsClosed: ['t', 's'], undecided: { attempt: '2', earlier: false } },
  },
};

const roles: Readonly<Record<string, StepRole>> = { C: 'compensatable', P: 'pivot', R: 'retriable' };

/** What a step does on reaching a status. */
const onReaching: Readonly<Record<string, Pick<Advance, 'run' | 'emit'>>> = {
  running: { run: 'step' },
  done: { emit: 'done' },
  compensating: { run: 'compensation' },
  deadLettered: { emit: 'deadLettered' },
  rejected: { emit: 'rejected' },
  cancelled: { emit: 'cancelled' },
  compensated: { emit: 'compensated' },
};

interface Cell {
  readonly title: string;
  readonly step: StepShape;
  readonly state: StepState;
  readonly signal: Signal;
  readonly expected: Advance;
}

const [statuses, ...rows] = table
  .trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()));

const cells: readonly Cell[] = rows.flatMap(([name, roleNames, ...answers]) =>
  roleNames!
    .split(' ')
    .flatMap((role) =>
      answers.map((answer, column) => cellOf(name!, roles[role]!, statuses![column + 2] as StepStatus, answer)),
    ),
);

function cellOf(name: string, role: StepRole, status: StepStatus, answer: string): Cell {
  const { before, from, attempt } = situations[name] ?? { before: {} };
  const step: StepShape = { name: 'x', role, predecessors: ['p', 'q'], successors: ['s', 't'] };
  const state: StepState = { status, predecessorsDone: [], successorsClosed: [], ...before };
  const signal = { type: name.split(' ')[0], ...(from !== undefined && { step: from }), attempt } as Signal;
  return {
    title: `${name}, ${role} ${status}: ${answer}`,
    step,
    state,
    signal,
    expected: expectedOf(state, signal, answer),
  };
}

function expectedOf(state: StepState, signal: Signal, answer: string): Advance {
  if (answer === 'stays') return { state: grown(state, signal), verdict: 'handled' };
  if (answer === 'lateUndo') return { state, verdict: 'anomaly', run: 'lateUndo' };
  if (answer in onReaching) {
    return {
      state: { ...grown(state, signal), status: answer as StepStatus },
      verdict: 'handled',
      ...onReaching[answer],
      ...(signal.type === 'skipped' && answer === 'done' && { emit: 'skipped' as const }),
    };
  }
  return { state, verdict: answer as Advance['verdict'] };
}

function grown(state: StepState, signal: Signal): StepState {
  if (signal.type === 'predecessorDone')
    return { ...state, predecessorsDone: [...state.predecessorsDone, signal.step] };
  if (signal.type === 'successorClosed')
    return { ...state, successorsClosed: [...state.successorsClosed, signal.step] };
  return { ...state, undecided: undecidedAfter(state, signal) };
}

function undecidedAfter({ undecided }: StepState, signal: Signal): StepState['undecided'] {
  switch (signal.type) {
    case 'attemptBegun':
      return { attempt: '2', earlier: undecided !== undefined };
    case 'attemptFailed':
      return undecided?.earlier ? undecided : undefined;
    case 'outcomeUnknown':
      return { attempt: undecided?.attempt ?? '', earlier: true };
    case 'notHappened':
      return undefined;
    default:
      return undecided;
  }
}

describe('the participant machine', () => {
  test.each(cells)('$title', ({ step, state, signal, expected }) => {
    expect(advance(step, frozen(state), signal)).toEqual(expected);
  });

  test('the table answers every signal in every status for every role', () => {
    const signals: Record<Signal['type'], true> = {
      started: true,
      predecessorDone: true,
      predecessorClosed: true,
      successorClosed: true,
      abortRequested: true,
      effectRecorded: true,
      skipped: true,
      rejected: true,
      attemptBegun: true,
      attemptFailed: true,
      outcomeUnknown: true,
      notHappened: true,
      attemptsExhausted: true,
      abandoned: true,
      undone: true,
      undoExhausted: true,
      resolve: true,
      waive: true,
      redrive: true,
    };
    const answered = new Set(cells.map(({ step, state, signal }) => `${signal.type} ${step.role} ${state.status}`));
    expect(answered.size).toBe(Object.keys(signals).length * 3 * 8);
  });

  test('a step that nothing follows never undoes itself', () => {
    const last: StepShape = { name: 'x', role: 'compensatable', predecessors: [], successors: [] };
    const running: StepState = { status: 'running', predecessorsDone: [], successorsClosed: [] };
    expect(advance(last, running, { type: 'effectRecorded' })).toMatchObject({
      state: { status: 'done' },
      emit: 'done',
    });
  });

  test('the first step of all waits for nobody', () => {
    const source: StepShape = { name: 'x', role: 'compensatable', predecessors: [], successors: ['s'] };
    const none: StepState = { status: 'none', predecessorsDone: [], successorsClosed: [] };
    expect(advance(source, none, { type: 'started' })).toMatchObject({ state: { status: 'running' }, run: 'step' });
  });
});

function frozen(state: StepState): StepState {
  Object.freeze(state.predecessorsDone);
  Object.freeze(state.successorsClosed);
  return Object.freeze(state);
}
