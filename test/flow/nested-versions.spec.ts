import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent, type SagaGraph } from '../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { Operator } from '../../libs/saga/src/flow/operate/operate.js';
import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Random } from '../support/random.js';
import { write } from './stage/charging.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const data = z.object({ id: z.string() });
class Registered extends DomainEvent('claim.registered', data) {}
class Assessed extends DomainEvent('claim.assessed', data) {}
class Opened extends DomainEvent('case.opened', data) {}
class Settled extends DomainEvent('claim.settled', data) {}
class Signed extends DomainEvent('case.signed', data) {}
class Approved extends DomainEvent('case.approved', data) {}

const register = { input: data, emits: Registered } as const;
const assess = { after: 'register', emits: Assessed } as const;
const commits = 'withParent';
const Claim = defineSaga('claim', { register, assess }, { commits });
const ClaimV2 = defineSaga(
  'claim',
  { register, assess: { ...assess, each: () => ['a', 'b'] } },
  { commits, version: 2 },
);

const open = { input: data, emits: Opened } as const;
const settle = { after: 'open', saga: Claim, emits: Settled, result: () => ({ id: '' }) } as const;
const approve = { after: 'settle', kind: 'pivot', emits: Approved } as const;
const sign = { after: 'settle', each: () => ['y', 'z'], awaits: 'signal', deadline: 60_000, emits: Signed } as const;
/** A case has one claim; later one for each branch; later still with claims of their second version, and signatures. */
const Case = defineSaga('case', { open, settle, approve });
const CaseV2 = defineSaga('case', { open, settle: { ...settle, each: () => ['x', 'y'] }, approve }, { version: 2 });
const CaseV3 = defineSaga(
  'case',
  { open, settle: { ...settle, saga: ClaimV2, each: () => ['y', 'z'] }, sign, approve: { ...approve, after: 'sign' } },
  { version: 3 },
);
const cases = [Case, CaseV2, CaseV3] as readonly SagaGraph[] as readonly (typeof CaseV3)[];

const events: Record<string, new (given: { id: string }) => object> = {
  open: Opened,
  register: Registered,
  assess: Assessed,
  approve: Approved,
};

/** What is played and what was done, of all processes. */
interface Play {
  readonly refused: ReadonlySet<string>;
  readonly failing: (deed: string) => boolean;
}

const methods = (saga: SagaGraph, names: readonly string[], { refused, failing }: Play): readonly BoundStep[] =>
  names.map((name) => {
    const noted = (word: string) => (_: object, context: StepContext) => {
      if (failing(`${word}${name}`)) throw new Error('trouble');
      if (refused.has(context.correlationId) && name === 'approve') throw new StepRejected('no');
      write(context, `${context.correlationId} ${word}${name} ${context.parent?.step ?? ''}/${context.branch ?? ''}`);
      return name === 'sign' ? undefined : new events[name]!({ id: context.correlationId });
    };
    const unnoted = async (_: object, context: StepContext) => void noted('un')(_, context);
    const run = name === 'settle' ? (_: object, context: StepContext) => ({ id: context.sagaId }) : noted('');
    const retry = { retries: 1_000, maxDelay: 2_000 };
    return bind(saga, name, name === 'commit' ? (_: object, { parent }) => (parent ? undefined : {}) : run, {
      retry,
      ...(name !== 'settle' && name !== 'approve' && name !== 'commit' && { undo: unnoted }),
    });
  });

/** The versions of a service, each with the methods of those before. */
const deployments = (play: Play): readonly (readonly BoundStep[])[] => {
  const claim = methods(Claim, ['register', 'assess', 'commit'], play);
  const first = [...claim, ...methods(Case, ['open', 'settle', 'approve'], play)];
  const second = [...first, ...methods(CaseV2, ['open', 'settle', 'approve'], play)];
  const third = [...second, ...methods(ClaimV2, ['register', 'assess', 'commit'], play)];
  const fourth = [...third, ...methods(CaseV3, ['open', 'settle', 'sign', 'approve'], play)];
  return [first, second, third, fourth];
};

/** Delivers what was published since the last time, once: what is consumed is gone. Then time passes. */
function delivering({ transport, clock }: Ground): (ms: number) => Promise<void> {
  let taken = 0;
  return async (ms) => {
    const records = transport.published.slice(taken).map(received);
    taken += records.length;
    if (records.length > 0) await transport.deliver(records);
    await clock.advance(ms);
  };
}

/** Deploys versions back and forth while sagas of all of them run, and then the newest for good. */
async function played(seed: number) {
  const random = new Random(seed);
  const ground = new Ground();
  const refused = new Set<string>();
  let calm = true;
  const versions = deployments({ refused, failing: () => !calm && random.happens(0.2) });
  let version = 3;
  const deployed = (): Promise<Service> => Service.started(ground, versions[version]!, { random: random.next });
  let service = await deployed();
  const sagas: { readonly sagaId: string; readonly version: number }[] = [];
  for (const [index, saga] of [...cases, ...cases].entries()) {
    const { sagaId } = await service.saga.startSaga(saga, { id: String(index) });
    sagas.push({ sagaId, version: saga.version });
    if (index >= cases.length) refused.add(sagaId);
  }
  const people = async (): Promise<void> => {
    for (const { sagaId } of sagas.filter((saga) => saga.version === 3))
      for (const branch of ['y', 'z'])
        if (version === 3 && random.happens(0.5))
          await service.saga.signal(sagaId, CaseV3.steps.sign, new Signed({ id: '' }), { branch });
  };
  const pass = delivering(ground);
  const goOn = async (ms: number): Promise<void> => {
    await people();
    await pass(ms);
  };
  calm = false;
  for (let turn = 0; turn < 60; turn += 1) {
    if (random.happens(0.4)) {
      service.kill();
      version = random.below(versions.length);
      service = await deployed();
    }
    await goOn(random.below(8_000));
  }
  calm = true;
  service.kill();
  version = 3;
  service = await deployed();
  for (let quiet = 0, known = -1; quiet < 4; known = ground.transport.published.length) {
    await goOn(35_000);
    quiet = ground.transport.published.length === known ? quiet + 1 : 0;
  }
  return { ground, sagas, refused };
}

/** What contradicts itself in a list of what was done and undone: each once, each undone or none, and the last first. */
function faultsOf(notes: readonly string[], isUndone: boolean): readonly string[] {
  const made = notes.filter((note) => !note.startsWith('un') && !note.startsWith('sign'));
  const order = ['unsign', 'unassess', 'unregister', 'unopen'].map((undo) =>
    notes.flatMap((note, index) => (note.startsWith(undo) ? [index] : [])),
  );
  return [
    ...notes.filter((note, index) => notes.indexOf(note) !== index).map((note) => `${note} twice`),
    ...made.filter((note) => notes.includes(`un${note}`) !== isUndone).map((note) => `${note}, undone or not`),
    ...order.flatMap((places, index) => {
      const later = order.slice(index + 1).flat();
      const branch = (place: number): string => notes[place]!.replace(/^\S+ /, '').replace(/\/.*/, '');
      const follows = (place: number, other: number): boolean =>
        other < place && (branch(place) === branch(other) || branch(other) === '' || index === 0);
      return places.flatMap((place) =>
        later.filter((other) => follows(place, other)).map((other) => `${notes[other]} before ${notes[place]}`),
      );
    }),
  ];
}

const seeds = Array.from({ length: 12 }, (_, index) => index + 1);

describe('sagas inside others, in versions that are deployed back and forth', () => {
  it.each(seeds)('all end, on the version that they began with: seed %d', async (seed) => {
    const { ground, sagas, refused } = await played(seed);
    for (const { sagaId, version } of sagas) {
      const rows = await ground.store.find(sagaId);
      const isUndone = rows.every(({ status }) => isClosed(status));
      const unsettled = rows
        .filter(({ status }) => !isUndone && status !== 'done')
        .map(({ step, status }) => `${step} ${status}`);
      const notes = ground.store.effects.filter((note) => note.startsWith(sagaId)).map((note) => note.slice(37));
      expect({ version, unsettled, faults: faultsOf(notes, isUndone) }).toEqual({ version, unsettled: [], faults: [] });
      expect(await ground.store.timers.ofSaga(sagaId)).toEqual([]);
      expect(isUndone).toBe(version < 3 ? refused.has(sagaId) : isUndone); // of a third version, nobody may have signed in time
    }
    expect(await ground.store.deadLetters.list({ state: 'open', limit: 10 })).toEqual([]);
  });

  it('are undone to the end by who knows the saga around, though who does not could undo the first step inside', async () => {
    const ground = new Ground();
    const refused = new Set<string>();
    let away = true;
    const failing = (word: string): boolean => away && word === 'unregister';
    const versions = deployments({ refused, failing });
    const late = await Service.started(ground, versions[1]!);
    const { sagaId } = await late.saga.startSaga(CaseV2, { id: '1' });
    refused.add(sagaId);
    const pass = delivering(ground);
    for (let turn = 0; turn < 20; turn += 1) await pass(10);
    const undone = (): readonly string[] =>
      ground.store.effects.filter((note) => note.includes(' un')).map((note) => note.slice(37));
    expect(undone().toSorted()).toEqual(['unassess settle[x]/', 'unassess settle[y]/']);
    late.kill();
    away = false;
    const old = await Service.started(ground, versions[0]!);
    const inside = ground.transport.events.find(({ sagaType }) => sagaType === 'claim')!.sagaId;
    const word = { sagaId: inside, step: 'register', actor: 'ann', reason: 'it is late' };
    await expect(new Operator(old.saga).redrive(word)).rejects.toThrow(
      'does not know saga "case" version 2, with which',
    );
    for (let turn = 0; turn < 5; turn += 1) await pass(2_000);
    expect(old.logs).toEqual([expect.stringContaining('does not know saga "case" version 2 around step "register"')]);
    old.kill();
    await Service.started(ground, versions[1]!);
    for (let turn = 0; turn < 5; turn += 1) await pass(3_000);
    expect(undone().slice(2).toSorted()).toEqual(['unopen /', 'unregister settle[x]/', 'unregister settle[y]/']);
    expect((await ground.store.find(sagaId)).filter(({ status }) => !isClosed(status))).toEqual([]);
  });
});
