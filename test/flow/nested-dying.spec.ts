import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { write } from './stage/charging.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const data = z.object({ id: z.string() });
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
const Case = defineSaga('case', {
  open: { input: data, emits: Opened },
  settle: { after: 'open', saga: Claim, emits: Settled },
  approve: { after: 'settle', kind: 'pivot', emits: Approved },
});

type Moment = 'commit' | 'committed';
/** How it ends: `approve` is done, or refused, and then `assess` is undone, or cannot be. */
type Ending = 'completes' | 'is undone' | 'waits for a person';
const given = { id: 'c-1' };

/** Leaves a note of all it does and undoes. */
function steps(ending: Ending): readonly BoundStep[] {
  const noting = (name: string, event: object) => (_: object, saga: StepContext) => {
    write(saga, name);
    return event;
  };
  const undo = (name: string) => ({
    undo: (_: object, saga: StepContext) => {
      if (name === 'assess' && ending === 'waits for a person') throw new Error('the assessor is away');
      write(saga, `un${name}`);
    },
  });
  return [
    bind(Case, 'open', noting('open', new Opened(given)), undo('open')),
    bind(Case, 'settle', () => given),
    bind(Case, 'approve', (_: object, saga) => {
      if (ending !== 'completes') throw new StepRejected('no');
      write(saga, 'approve');
      return new Approved(given);
    }),
    bind(Claim, 'register', noting('register', new Registered(given)), undo('register')),
    bind(Claim, 'assess', noting('assess', new Assessed(given)), undo('assess')),
    bind(Claim, 'commit', (_: object, { parent }) => (parent ? undefined : {})),
  ];
}

/** What a process refused that is dying now is delivered to its next life. */
function comesAgain(error: unknown): void {
  expect(error).toMatchObject({ message: 'killed' });
}

/** Plays a saga whose service dies at one moment of one of its transactions, and tells what was done when all is quiet. */
async function played(ending: Ending, death?: { readonly moment: Moment; readonly transaction: number }) {
  const ground = new Ground();
  let service = await Service.started(ground, steps(ending));
  await service.saga.startSaga(Case, given);
  let transactions = 0;
  ground.store.trouble = (now) => {
    if (now !== (death?.moment ?? 'commit')) return;
    transactions += 1;
    if (transactions !== death?.transaction) return;
    service.kill();
    if (now === 'commit') throw new Error('killed');
  };
  for (let quiet = 0, known = -1; quiet < 3; known = ground.transport.published.length) {
    if (service.state === 'dead') service = await Service.started(ground, steps(ending));
    const before = ground.transport.published;
    for (const { handle } of ground.transport.subscriptions) handle(before.map(received)).catch(comesAgain);
    await ground.clock.advance(35_000); // the lease of what died with its process
    quiet = ground.transport.published.length === known && service.state === 'well' ? quiet + 1 : 0;
  }
  const letters = await ground.store.deadLetters.list({ state: 'open', limit: 10 });
  const waiting = letters.map(({ step }) => step!).toSorted((a, b) => a.localeCompare(b));
  return { effects: [...ground.store.effects], waiting, events: new Set(ground.transport.eventIds).size, transactions };
}

describe('a service that dies in the midst of a saga inside another', () => {
  it.each<[ending: Ending, effects: readonly string[], waiting: readonly string[]]>([
    ['completes', ['open', 'register', 'assess', 'approve'], []],
    ['is undone', ['open', 'register', 'assess', 'unassess', 'unregister', 'unopen'], []],
    ['waits for a person', ['open', 'register', 'assess'], ['assess', 'settle']],
  ])('before or after any commit: each step is done once, where all of it %s', async (ending, effects, waiting) => {
    const whole = await played(ending);
    expect(whole).toMatchObject({ effects, waiting });
    for (const moment of ['commit', 'committed'] as const) {
      for (let transaction = 1; transaction <= whole.transactions; transaction += 1) {
        const { transactions: _, ...end } = await played(ending, { moment, transaction });
        expect({ moment, transaction, ...end }).toEqual({
          moment,
          transaction,
          effects,
          waiting,
          events: whole.events,
        });
      }
    }
  });
});
