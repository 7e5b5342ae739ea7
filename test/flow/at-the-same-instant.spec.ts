import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../libs/saga/src/adapters/memory/memory-store.js';
import type { SignalAnswer } from '../../libs/saga/src/flow/time/signal.js';
import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import { Random } from '../support/random.js';
import { EffectStore } from './stage/effect-store.js';
import { approve, denied, granted, Opening, opening } from './stage/opening.js';
import { eventRecord, received } from './stage/records.js';
import { Ground, Service } from './stage/service.js';
import { unsteady } from './stage/unsteady.js';

const sagaId = '00000000-0000-4000-8000-000000000001';
const runs = 2_000;
const patience = 240_000;
const deadline = 40;

interface Instant {
  readonly ann: SignalAnswer;
  readonly bob: SignalAnswer;
  readonly outcomes: readonly string[];
  readonly type: string | undefined;
}

/** What a person is told: that it was accepted, or what was decided instead. */
function told(answer: SignalAnswer): string {
  if (answer.accepted) return 'accepted';
  return answer.because === 'notWaiting' ? 'notWaiting' : answer.outcome;
}

/** One run: Ann grants at one replica, Bob denies at another, the deadline ends, and now and then an abort or the end of the saga arrives. */
async function instant(seed: number): Promise<Instant> {
  const random = new Random(seed);
  const ground = new Ground();
  const steps = opening()
    .filter(({ node }) => node.name === 'approve')
    .map((bound) => ({ ...bound, node: { ...approve, deadline } }));
  const replica = (): Promise<Service> => Service.started(ground, steps, { store: unsteady(ground.store, random) });
  const [one, other] = [await replica(), await replica()];
  await ground.transport.deliver([eventRecord(Opening, 'reserve', 'done', { accountId: 'a-1' }, { sagaId })]);
  await ground.clock.advance(deadline - 1);
  const deeds: (() => Promise<unknown>)[] = [
    () => ground.clock.advance(2),
    async () => one.saga.signal(sagaId, approve, granted('ann')),
    async () => other.saga.signal(sagaId, approve, denied('bob')),
  ];
  if (random.below(3) === 0)
    deeds.push(() =>
      ground.transport.deliver([eventRecord(Opening, 'saga', 'abortRequested', { reason: 'no' }, { sagaId })]),
    );
  const answers = new Map<number, unknown>();
  const order = [...deeds.keys()];
  const done: Promise<unknown>[] = [];
  while (order.length > 0) {
    const [deed] = order.splice(random.below(order.length), 1);
    done.push(deeds[deed!]!().then((answer) => answers.set(deed!, answer)));
    for (let left = random.below(12); left > 0; left -= 1) await Promise.resolve();
  }
  await Promise.all(done);
  await ground.clock.advance(20);
  const events = ground.transport.events.filter(({ step }) => step === 'approve');
  return {
    ann: answers.get(1) as SignalAnswer,
    bob: answers.get(2) as SignalAnswer,
    outcomes: events.map(({ outcome }) => outcome),
    type: events[0]?.type,
  };
}

describe('in the same instant', () => {
  it(
    `of two persons, a deadline and an abort exactly one decides, and the persons are told (${runs} seeds)`,
    { timeout: patience },
    async () => {
      const winners: Record<string, number> = {};
      for (let seed = 1; seed <= runs; seed += 1) {
        const { ann, bob, outcomes, type } = await instant(seed);
        const [outcome] = outcomes;
        const expected = {
          seed,
          outcomes: [outcome],
          ann: type === 'approval.granted' ? 'accepted' : outcome,
          bob: type === 'approval.denied' ? 'accepted' : outcome,
        };
        expect({ seed, outcomes, ann: told(ann), bob: told(bob) }).toEqual(expected);
        winners[type!] = (winners[type!] ?? 0) + 1;
      }
      expect(Object.keys(winners).toSorted()).toEqual([
        'approval.denied',
        'approval.granted',
        'opening.approve.rejected',
      ]);
      expect(Math.min(...Object.values(winners))).toBeGreaterThan(runs / 20);
    },
  );
});

const races = 600;

/** One run: the pivot's trigger and a request to abort are on their way, each event read in an order of its own by each of two services. */
async function abortAndCommit(seed: number): Promise<string> {
  const random = new Random(seed);
  const ground = new Ground();
  const all = opening({ approve: () => granted() });
  const parts = [
    all.filter(({ node }) => node.role === 'compensatable'),
    all.filter(({ node }) => node.role !== 'compensatable'),
  ];
  const services: Service[] = [];
  for (const [index, steps] of parts.entries()) {
    const store = unsteady(new EffectStore(new MemoryStore(ground.clock)), random);
    services.push(await Service.started(ground, steps, { name: `service-${index}`, store }));
  }
  const started = await services[0]!.saga.startSaga(Opening, {});
  const abortAfter = random.below(6);
  const unread = ground.transport.subscriptions.map(() => new Set<number>());
  for (let round = 0, quiet = 0, known = 0; quiet < 3; round += 1) {
    if (round === abortAfter)
      await services[random.below(2)]!.saga.publishAbort({
        saga: Opening,
        sagaId: started.sagaId,
        reason: 'changed my mind',
      });
    await ground.clock.advance(1);
    for (; known < ground.transport.published.length; known += 1) for (const places of unread) places.add(known);
    const waiting = unread.flatMap((places, group) => [...places].map((place) => ({ place, group })));
    quiet = waiting.length === 0 && round > abortAfter ? quiet + 1 : 0;
    const handed = waiting.filter(() => random.below(2) === 0).toSorted(() => random.below(2) - 0.5);
    await Promise.all(
      handed.map(async ({ place, group }) => {
        unread[group]!.delete(place);
        await ground.transport.subscriptions[group]!.handle([received(ground.transport.published[place]!)]);
      }),
    );
  }
  const rows = (await Promise.all(services.map(({ saga }) => saga.participant.store.find(started.sagaId)))).flat();
  const statuses = Object.fromEntries(rows.map(({ step, status }) => [step, status]));
  const ends = [...new Set(Object.values(statuses).map((status) => (isClosed(status) ? 'closed' : status)))];
  const whole = rows.length === 4 || statuses['submit'] === 'compensated';
  return whole && ends.length === 1 ? ends[0]! : JSON.stringify(statuses);
}

describe('an abort at the instant of the commit', () => {
  it(`has one outcome: all is done, or all is undone (${races} seeds)`, { timeout: patience }, async () => {
    const ends: Record<string, number> = {};
    for (let seed = 1; seed <= races; seed += 1) {
      const end = await abortAndCommit(seed);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    expect(Object.keys(ends).toSorted()).toEqual(['closed', 'done']);
    expect(Math.min(ends['done']!, ends['closed']!)).toBeGreaterThan(races / 20);
  });
});
