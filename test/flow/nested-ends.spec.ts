import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent, type SagaGraph } from '../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { retentionOf } from '../../libs/saga/src/flow/retention/retention.js';
import type { StepStatus } from '../../libs/saga/src/protocol/step-state.js';
import { StepPostponed, StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { write } from './stage/charging.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const rooms = z.object({ rooms: z.array(z.string()) });
const nothing = z.object({});
class Planned extends DomainEvent('ends.visit.planned', rooms) {}
class Inspected extends DomainEvent('ends.room.inspected', nothing) {}
class Offered extends DomainEvent('ends.house.offered', rooms) {}
class Visited extends DomainEvent('ends.house.visited', nothing) {}
class Checked extends DomainEvent('ends.buyer.checked', nothing) {}
class Sold extends DomainEvent('ends.house.sold', nothing) {}

const day = 24_000; // short ones, because every second of the virtual clock is lived
const Visit = defineSaga(
  'ends-visit',
  {
    plan: { input: rooms, awaits: 'signal', deadline: day, emits: Planned },
    inspect: {
      after: 'plan',
      each: (planned: Planned) => planned.rooms,
      onDeadLetter: 'continue',
      emits: Inspected,
    },
  },
  { commits: 'withParent' },
);
const Sale = defineSaga('ends-sale', {
  offer: { input: rooms, emits: Offered },
  visit: { after: 'offer', saga: Visit, emits: Visited, result: () => ({}) },
  check: { after: 'offer', kind: 'readOnly', emits: Checked },
  sell: { after: ['visit', 'check'], kind: 'pivot', emits: Sold },
});

const given = { rooms: ['hall', 'attic'] };
type Trouble = 'no car' | 'no key' | 'no light' | 'no plan' | 'no money' | 'no sale' | 'the hall stays';

let ground: Ground;
let service: Service;
let sagaId: string;
const trouble = new Set<Trouble>();
const delivered = new Set<object>();
beforeEach(() => {
  trouble.clear();
  ground = new Ground();
});

function fails(what: Trouble): void {
  if (trouble.has(what)) throw new Error(what);
}

function waits(what: Trouble): void {
  if (trouble.has(what)) throw new StepPostponed(what, 1_000);
}

function refuses(what: Trouble): void {
  if (trouble.has(what)) throw new StepRejected(what);
}

function steps(): readonly BoundStep[] {
  const did = <Event>(event: Event, saga: StepContext): Event => (write(saga, saga.step), event);
  const undo = { undo: (_: object, saga: StepContext) => void write(saga, `un-${saga.step}`) };
  return [
    bind(Sale, 'offer', (_, saga) => did(new Offered(given), saga), undo),
    bind(Sale, 'visit', () => (fails('no car'), given)),
    bind(Sale, 'check', () => (refuses('no money'), new Checked({}))),
    bind(Sale, 'sell', (_, saga) => (refuses('no sale'), did(new Sold({}), saga))),
    bind(
      Visit,
      'plan',
      (_, saga) => {
        fails('no key');
        return trouble.has('no plan') ? undefined : did(new Planned(given), saga);
      },
      { ...undo, retry: { retries: 50, maxDelay: 1_000 } },
    ),
    bind(Visit, 'inspect', (_, saga) => (waits('no light'), did(new Inspected({}), saga)), {
      undo: (_, saga) => {
        if (saga.branch === 'hall') fails('the hall stays');
        write(saga, `un-${saga.step}`);
      },
      retry: { retries: 0 },
    }),
    bind(Visit, 'commit', (_, { parent }) => (parent ? undefined : {})),
  ];
}

async function begin(options?: ConstructorParameters<typeof Service>[2]): Promise<void> {
  service = await Service.started(ground, steps(), options);
  ({ sagaId } = await service.saga.startSaga(Sale, given));
}

/** Delivers all that is published, once, but what is held up, until nothing more comes. */
async function quiet(heldUp: (id: string) => boolean = () => false): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const came = ground.transport.published.filter(
      (message) => !delivered.has(message) && !heldUp(message.headers['ce_id'] ?? ''),
    );
    for (const message of came) await ground.transport.deliver([received(message)]);
    for (const message of came) delivered.add(message);
    if (came.length > 0) round = 0;
    await ground.clock.advance(50);
  }
}

const inside = (): string => service.saga.participant.chance.derivedId(`${sagaId}:visit`);
const statusOf = async (step: string, id = sagaId): Promise<StepStatus | undefined> =>
  (await service.row(id, step))?.status;
const open = async (): Promise<readonly string[]> =>
  [...(await ground.store.find(sagaId)), ...(await ground.store.find(inside()))].flatMap(({ step, status }) =>
    ['none', 'running', 'done', 'compensating'].includes(status) ? [`${step} is ${status}`] : [],
  );
const reasonOf = (step: string): string | undefined =>
  ground.transport.events.find((event) => event.step === step && event.cause)?.cause?.reason;

describe('a step that is a saga and that nothing follows any more', () => {
  it('ends at once when that saga has not begun, however late its events come', async () => {
    trouble.add('no car').add('no money');
    await begin();
    await quiet((id) => id.includes(':commit:'));
    trouble.clear();
    await ground.clock.advance(10_000); // for its next attempts
    await quiet();
    expect(await open()).toEqual([]);
    expect(ground.store.effects).toEqual(['offer', 'un-offer']);
  });

  it('gives up the source of that saga, which has trouble: nobody is asked by it', async () => {
    trouble.add('no key').add('no plan').add('no money');
    await begin();
    await quiet();
    expect(await statusOf('plan', inside())).toBe('rejected');
    expect(await open()).toEqual([]);
  });

  it('gives up what does not come to an end inside', async () => {
    trouble.add('no light');
    await begin();
    await quiet();
    expect(await statusOf('inspect[hall]', inside())).toBe('running');
    await service.saga.publishAbort({ saga: Sale, sagaId, reason: 'too late in the evening' });
    await quiet();
    expect(await statusOf('inspect[hall]', inside())).toBe('rejected');
    expect(await open()).toEqual([]);
    expect(ground.store.effects).toEqual(['offer', 'plan', 'un-plan', 'un-offer']);
  });
});

describe('a step that is a saga is rejected with the reason of its refusal', () => {
  beforeEach(async () => {
    trouble.add('no plan');
    await begin();
    await quiet();
  });

  it('by a person', async () => {
    await service.saga.signal(inside(), Visit.steps.plan, new StepRejected('the key is lost'));
    await quiet();
    expect(reasonOf('visit')).toBe('the key is lost');
  });

  it('by a deadline', async () => {
    await ground.clock.advance(day);
    await quiet();
    expect(reasonOf('visit')).toBe('deadline exceeded');
  });
});

it('nobody but the saga around gives the commit step of a nested saga its signal', async () => {
  trouble.add('no money');
  await begin();
  await quiet((id) => id.includes(':check:'));
  expect(await statusOf('commit', inside())).toBe('running');
  const commit = (Visit as SagaGraph).steps['commit']!;
  const answer = await service.saga.signal(inside(), commit, new StepRejected('no'));
  expect(answer).toEqual({ accepted: false, because: 'notWaiting', why: 'notReady' });
});

it('a dead letter inside after which the undo goes on is none of the saga around', async () => {
  trouble.add('no sale').add('the hall stays');
  await begin();
  await quiet();
  expect(await open()).toEqual([]);
  expect(await statusOf('visit')).toBe('compensated');
  const letters = await ground.store.deadLetters.list({ limit: 10 });
  expect(letters.map(({ step }) => step)).toEqual(['inspect[hall]']);
  expect(ground.store.effects.slice(-3)).toEqual(['un-inspect[attic]', 'un-plan', 'un-offer']);
});

it('a nested saga is begun once, also when a replica that was held up begins it again', async () => {
  trouble.add('no plan');
  await begin();
  await quiet();
  const [started] = ground.transport.events;
  const waiting = await service.row(inside(), 'plan');
  const bound = service.saga.participant.steps.find(Sale, 'visit')!;
  await service.saga.submit({ sagaId, bound, headers: started!, happening: { type: 'attempt' } });
  expect(await service.row(inside(), 'plan')).toEqual(waiting);
});

describe('where a service purges', () => {
  it.each<[string, Trouble | undefined]>([
    ['completed', undefined],
    ['were undone', 'no sale'],
    ['were closed before both had begun', 'no money'],
  ])('a saga and the one inside it are forgotten when they %s', async (_, what) => {
    if (what) trouble.add(what);
    await begin({ retention: retentionOf({ keep: 3 * day, margin: day, every: 2_000 }) });
    await quiet();
    await ground.clock.advance(2 * day);
    expect([...(await ground.store.find(sagaId)), ...(await ground.store.find(inside()))]).not.toEqual([]);
    await ground.clock.advance(2 * day);
    expect([...(await ground.store.find(sagaId)), ...(await ground.store.find(inside()))]).toEqual([]);
  });
});
