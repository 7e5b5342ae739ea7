import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { foldSaga } from '../../libs/saga/src/protocol/saga-state.js';
import { write } from './stage/charging.js';
import { settled } from './stage/network.js';
import { bind, Ground, Service } from './stage/service.js';

const article = z.object({ premium: z.boolean() });
class Submitted extends DomainEvent('article.submitted', article) {}
class Cleared extends DomainEvent('rights.cleared', z.object({ by: z.string() })) {}
class Returned extends DomainEvent('rights.returned', z.object({ by: z.string() })) {}
class Priced extends DomainEvent('article.priced', z.object({ price: z.number() })) {}
class Published extends DomainEvent('article.published', article) {}
class Refused extends DomainEvent('article.refused', z.object({ reason: z.string() })) {}
class Indexed extends DomainEvent('article.indexed', article) {}

const Publishing = defineSaga('publishing', {
  submit: { emits: Submitted },
  clear: {
    after: 'submit',
    when: (submitted: Submitted) => submitted.premium,
    effect: 'external',
    emits: Cleared,
    compensated: Returned,
  },
  price: { after: 'clear', emits: Priced },
  publish: { after: ['clear', 'price'], kind: 'pivot', emits: Published, rejected: Refused },
  index: { after: 'publish', kind: 'retriable', emits: Indexed },
});

let ground: Ground;
let given: unknown[];
let calls: string[];
let refuses: boolean;
beforeEach(() => {
  ground = new Ground();
  given = [];
  calls = [];
  refuses = false;
});

const noted = (name: string) => (_input: unknown, saga: StepContext) => void write(saga, name);

function service(): Promise<Service> {
  return Service.started(ground, [
    bind(Publishing, 'submit', (input: { premium: boolean }) => new Submitted(input), { undo: noted('withdrawn') }),
    bind(Publishing, 'clear', () => (calls.push('clear'), new Cleared({ by: 'ann' })), {
      undo: () => (calls.push('return'), new Returned({ by: 'ann' })),
    }),
    bind(Publishing, 'price', (cleared: unknown) => (given.push(cleared), new Priced({ price: 3 })), {
      undo: noted('price forgotten'),
    }),
    bind(Publishing, 'publish', (both: object) => {
      given.push(both);
      return refuses ? new Refused({ reason: 'too long' }) : new Published({ premium: true });
    }),
    bind(Publishing, 'index', () => new Indexed({ premium: true })),
  ]);
}

async function published(premium: boolean): Promise<{ readonly hotel: Service; readonly sagaId: string }> {
  const hotel = await service();
  const { sagaId } = await hotel.saga.startSaga(Publishing, { premium });
  await settled(ground);
  await ground.clock.advance(60_000);
  await settled(ground);
  return { hotel, sagaId };
}

const told = (): readonly string[] => ground.transport.events.map(({ step, outcome }) => `${step} ${outcome}`);
const state = () => foldSaga(Publishing, ground.transport.events);

describe('a conditional step', () => {
  it('runs like any other where its condition holds', async () => {
    await published(true);
    expect(calls).toEqual(['clear']);
    expect(given).toEqual([new Cleared({ by: 'ann' }), { clear: new Cleared({ by: 'ann' }), price: { price: 3 } }]);
    expect(state().status).toBe('completed');
  });

  it('is skipped where it does not: its method is not run, and its successors are given undefined for it', async () => {
    const { hotel, sagaId } = await published(false);
    expect(calls).toEqual([]);
    expect(given).toEqual([undefined, { clear: undefined, price: new Priced({ price: 3 }) }]);
    expect(await hotel.row(sagaId, 'clear')).toMatchObject({
      status: 'done',
      result: { type: 'publishing.clear.skipped', data: {} },
    });
    expect(ground.transport.events[1]).toMatchObject({
      id: `${sagaId}:clear:skipped`,
      type: 'publishing.clear.skipped',
      causationId: `${sagaId}:submit:done`,
      data: {},
    });
    expect(ground.transport.events[1]).not.toHaveProperty('cause');
    expect(state()).toMatchObject({ status: 'completed', steps: { clear: 'skipped', index: 'done' } });
  });

  it('that was skipped closes without running a method, in its place of the undo, under its default event', async () => {
    refuses = true;
    const { hotel, sagaId } = await published(false);
    expect(calls).toEqual([]);
    expect(ground.store.effects).toEqual(['price forgotten', 'withdrawn']);
    expect(told()).toEqual([
      'submit done',
      'clear skipped',
      'price done',
      'publish rejected',
      'index cancelled',
      'price compensated',
      'clear compensated',
      'submit compensated',
    ]);
    expect(ground.transport.events[6]).toMatchObject({
      type: 'publishing.clear.compensated',
      data: { failedStep: 'publish', reason: 'too long' },
    });
    expect(await hotel.row(sagaId, 'clear')).toMatchObject({ status: 'compensated' });
    expect(state()).toMatchObject({ status: 'aborted', steps: { clear: 'skipped' }, inconsistencies: [] });
  });

  it('that ran is undone by its method', async () => {
    refuses = true;
    await published(true);
    expect(calls).toEqual(['clear', 'return']);
    expect(state()).toMatchObject({ status: 'aborted', steps: { clear: 'compensated' } });
  });

  it('is skipped once, whatever is redelivered', async () => {
    const hotel = await service();
    await hotel.saga.startSaga(Publishing, { premium: false });
    await settled(ground, () => 3);
    expect(calls).toEqual([]);
    expect(told()).toEqual(['submit done', 'clear skipped', 'price done', 'publish done', 'index done']);
    expect(hotel.tally.snapshot().anomaly).toBe(0);
  });
});

it('a condition that throws is technical trouble: the step is attempted again, and then rejected', async () => {
  const Broken = defineSaga('broken', {
    submit: { emits: Submitted },
    clear: {
      after: 'submit',
      when: () => {
        throw new Error('no clock in here');
      },
      emits: Cleared,
    },
    publish: { after: 'clear', emits: Published },
  });
  const hotel = await Service.started(ground, [
    bind(Broken, 'submit', (input: { premium: boolean }) => new Submitted(input), { undo: () => undefined }),
    bind(Broken, 'clear', () => new Cleared({ by: 'ann' })),
  ]);
  const { sagaId } = await hotel.saga.startSaga(Broken, { premium: true });
  await settled(ground);
  expect(await hotel.row(sagaId, 'clear')).toMatchObject({ status: 'running', lastError: 'no clock in here' });
  await ground.clock.advance(60_000);
  await settled(ground);
  expect(await hotel.row(sagaId, 'clear')).toMatchObject({ status: 'rejected' });
});
