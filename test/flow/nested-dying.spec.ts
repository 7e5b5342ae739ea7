import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { write } from './stage/charging.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const data = z.object({ id: z.string() });
const given = { id: 'c-1' };
class Registered extends DomainEvent('claim.registered', data) {}
class Assessed extends DomainEvent('claim.assessed', data) {}
class Opened extends DomainEvent('case.opened', data) {}
class Settled extends DomainEvent('claim.settled', data) {}
class Approved extends DomainEvent('case.approved', data) {}

const Claim = defineSaga(
  'claim',
  { register: { input: data, emits: Registered }, assess: { after: 'register', emits: Assessed } },
  { commits: 'withParent' },
);
const open = { input: data, emits: Opened } as const;
const settle = { after: 'open', saga: Claim, emits: Settled } as const;
const approve = { after: 'settle', kind: 'pivot', emits: Approved } as const;
/** One claim, and a claim for each branch. */
const cases = {
  Case: defineSaga('case', { open, settle, approve }),
  Cases: defineSaga('cases', { open, settle: { ...settle, each: () => ['x', 'y'] }, approve }),
};

type Moment = 'commit' | 'committed';
/** How it ends: `approve` is done, or refused, and then `assess` is undone, or cannot be. */
type Ending = 'completes' | 'is undone' | 'waits for a person';

/** What a step leaves when it is done or undone; inside, with the branch that it belongs to. */
const noteOf = (name: string, { parent }: StepContext): string =>
  [name, ...(parent?.step.match(/[[].*/) ?? [])].join('');

/** Leaves a note of all it does and undoes. */
function steps(saga: typeof cases.Case, ending: Ending): readonly BoundStep[] {
  const noting = (name: string, event: object) => (_: object, context: StepContext) => {
    write(context, noteOf(name, context));
    return event;
  };
  const undo = (name: string) => ({
    undo: (_: object, context: StepContext) => {
      if (name === 'assess' && ending === 'waits for a person') throw new Error('the assessor is away');
      write(context, noteOf(`un${name}`, context));
    },
  });
  return [
    bind(saga, 'open', noting('open', new Opened(given)), undo('open')),
    bind(saga, 'settle', () => given),
    bind(saga, 'approve', (_: object, context) => {
      if (ending !== 'completes') throw new StepRejected('no');
      write(context, 'approve');
      return new Approved(given);
    }),
    bind(Claim, 'register', noting('register', new Registered(given)), undo('register')),
    bind(Claim, 'assess', noting('assess', new Assessed(given)), undo('assess')),
    bind(Claim, 'commit', (_: object, { parent }) => (parent ? undefined : {})),
  ];
}

/** What a process refused that is dying now is delivered to its next life. */
function comesAgain(error: unknown): void {
  expect(error).toMatchObject({ cause: { message: 'killed' } });
}

/** Plays a saga whose service dies at one moment of one of its transactions, and tells what was done when all is quiet. */
async function played(
  saga: typeof cases.Case,
  ending: Ending,
  death?: { readonly moment: Moment; readonly transaction: number },
) {
  const ground = new Ground();
  let service = await Service.started(ground, steps(saga, ending));
  await service.saga.startSaga(saga, given);
  let transactions = 0;
  ground.store.trouble = (now) => {
    if (now !== (death?.moment ?? 'commit')) return;
    transactions += 1;
    if (transactions !== death?.transaction) return;
    service.kill();
    if (now === 'commit') throw new Error('killed');
  };
  for (let quiet = 0, known = -1; quiet < 3; known = ground.transport.published.length) {
    if (service.state === 'dead') service = await Service.started(ground, steps(saga, ending));
    const before = ground.transport.published;
    for (const { handle } of ground.transport.subscriptions) handle(before.map(received)).catch(comesAgain);
    await ground.clock.advance(35_000); // the lease of what died with its process
    quiet = ground.transport.published.length === known && service.state === 'well' ? quiet + 1 : 0;
  }
  const letters = await ground.store.deadLetters.list({ state: 'open', limit: 10 });
  const waiting = letters.map(({ step }) => step!).toSorted((a, b) => a.localeCompare(b));
  return {
    effects: byBranch(ground.store.effects),
    waiting,
    events: new Set(ground.transport.eventIds).size,
    transactions,
  };
}

/** Branches go on side by side: in order are the notes of each, and those of the saga around. */
function byBranch(notes: readonly string[]): readonly string[] {
  const branches = new Set(notes.flatMap((note) => note.match(/[[].*/) ?? []));
  const outer = notes.filter((note) => !note.includes('['));
  return [
    ...outer,
    ...[...branches]
      .toSorted((a, b) => a.localeCompare(b))
      .flatMap((branch) => notes.filter((note) => note.endsWith(branch))),
  ];
}

describe('a service that dies in the midst of a saga inside another', () => {
  it.each<[saga: keyof typeof cases, ending: Ending, effects: readonly string[], waiting: readonly string[]]>([
    ['Case', 'completes', ['open', 'register', 'assess', 'approve'], []],
    ['Case', 'is undone', ['open', 'register', 'assess', 'unassess', 'unregister', 'unopen'], []],
    ['Case', 'waits for a person', ['open', 'register', 'assess'], ['assess', 'settle']],
    ['Cases', 'completes', ['open', 'approve', ...inBranches('register', 'assess')], []],
    ['Cases', 'is undone', ['open', 'unopen', ...inBranches('register', 'assess', 'unassess', 'unregister')], []],
    [
      'Cases',
      'waits for a person',
      ['open', ...inBranches('register', 'assess')],
      ['assess', 'assess', 'settle[x]', 'settle[y]'],
    ],
  ])(
    'before or after any commit: each step is done once, where all of a %s %s',
    async (name, ending, effects, waiting) => {
      const saga = cases[name] as typeof cases.Case;
      const whole = await played(saga, ending);
      expect(whole).toMatchObject({ effects, waiting });
      for (const moment of ['commit', 'committed'] as const) {
        for (let transaction = 1; transaction <= whole.transactions; transaction += 1) {
          const { transactions: _, ...end } = await played(saga, ending, { moment, transaction });
          expect({ moment, transaction, ...end }).toEqual({
            moment,
            transaction,
            effects,
            waiting,
            events: whole.events,
          });
        }
      }
    },
    120_000,
  );
});

function inBranches(...notes: readonly string[]): readonly string[] {
  return ['x', 'y'].flatMap((branch) => notes.map((note) => `${note}[${branch}]`));
}
