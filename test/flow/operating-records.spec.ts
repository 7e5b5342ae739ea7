import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../libs/saga/src/ports/dead-letters.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Booking } from './stage/booking.js';
import { charging, confirmRefused, reserved } from './stage/charging.js';
import { ada, bob, Desk } from './stage/desk.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
let service: Service;
let desk: Desk;

beforeEach(async () => {
  ground = new Ground();
  service = await Service.started(ground, [charging()], { name: 'payments' });
  desk = new Desk(service);
});

/** Sound but for its value, which is no JSON. */
function broken(sagaId: string): IncomingRecord {
  return { ...reserved(sagaId), value: '{', raw: Buffer.from('{') };
}

async function putAway(record: IncomingRecord): Promise<DeadLetter> {
  await ground.transport.deliver([record]);
  const letters = await desk.operator.deadLetters({ state: 'open' });
  expect(letters).toHaveLength(1);
  return letters[0]!;
}

/** What the letter would be had its record been put away for a reason that is gone now: by an older life of the service, say. */
async function putAwayThoughSound(record: IncomingRecord): Promise<DeadLetter> {
  const letter = { id: randomUUID(), kind: 'record', reason: 'its schema was stricter', details: {}, record } as const;
  await ground.store.deadLetters.put([{ ...letter, audience: 'steps' }]);
  return (await ground.store.deadLetters.find(letter.id))!;
}

describe('a record that is poison', () => {
  it('is kept with its reason, its bytes and what can be told of its saga, and published as well', async () => {
    const sagaId = randomUUID();
    const record = broken(sagaId);
    const letter = await putAway(record);
    expect(letter).toMatchObject({
      kind: 'record',
      audience: 'steps',
      reason: expect.stringContaining('no JSON') as string,
      sagaId,
      sagaType: 'booking',
      sagaVersion: Booking.version,
      step: 'reserve',
      record: { headers: record.headers, key: record.key, origin: record.origin },
    });
    expect(Buffer.from(letter.record!.raw).toString()).toBe('{');
    expect(await desk.operator.inspect(sagaId)).toMatchObject({
      saga: 'booking',
      steps: [],
      letters: [{ id: letter.id }],
    });
    expect(ground.transport.published.map(({ topic }) => topic)).toEqual(['saga.dead-letters']);
  });

  it('is kept once, however often it comes', async () => {
    const record = broken(randomUUID());
    const letter = await putAway(record);
    await ground.transport.deliver([record]);
    await desk.operator.waive({ letterId: letter.id, ...ada });
    await ground.transport.deliver([record]);
    expect(await desk.letters()).toMatchObject([{ id: letter.id, settled: { as: 'waived', by: 'ada' } }]);
  });

  it('does not count as consumed while it cannot be kept', async () => {
    service.state = 'cut';
    await expect(ground.transport.deliver([broken(randomUUID())])).rejects.toThrow('does not answer');
    expect(ground.transport.published).toEqual([]);
  });

  it('is refused again when it is redriven and nothing is different, and waits on', async () => {
    const letter = await putAway(broken(randomUUID()));
    expect(await desk.operator.redrive({ letterId: letter.id, ...ada })).toMatchObject({
      verdict: 'refused',
      because: expect.stringContaining('it still cannot be received') as string,
    });
    expect(await desk.operator.deadLetters({ state: 'open' })).toHaveLength(1);
    expect(await ground.store.audit.list({ letterId: letter.id, limit: 9 })).toMatchObject([
      { verb: 'redrive', verdict: 'refused', actor: 'ada' },
    ]);
  });

  it('is no step, so nobody resolves it', async () => {
    const letter = await putAway(broken(randomUUID()));
    const word = desk.operator.resolve({ letterId: letter.id, as: 'compensated', ...ada });
    await expect(word).rejects.toMatchObject({ code: 'LETTER_IS_A_RECORD' });
  });
});

describe('a record that can be received now', () => {
  it('is received as if it came now, once, and its letter is settled', async () => {
    const sagaId = randomUUID();
    const letter = await putAwayThoughSound(reserved(sagaId));
    expect(await desk.operator.redrive({ letterId: letter.id, ...ada })).toEqual({
      verdict: 'applied',
      because: 'it was received',
    });
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
    expect(await desk.operator.redrive({ letterId: letter.id, ...bob })).toMatchObject({
      verdict: 'alreadyApplied',
      because: 'it was redriven by ada',
    });
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(await desk.letters()).toMatchObject([{ settled: { as: 'redriven', by: 'ada' } }]);
  });

  it('keeps the order of its saga: it comes late, and the tombstone wins', async () => {
    const sagaId = randomUUID();
    const letter = await putAwayThoughSound(reserved(sagaId));
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await desk.operator.redrive({ letterId: letter.id, ...ada });
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'cancelled' });
    expect(ground.store.effects).toEqual([]);
  });

  it('is received once, and told once that it was, when two redrive it at once', async () => {
    const sagaId = randomUUID();
    const { id: letterId } = await putAwayThoughSound(reserved(sagaId));
    const answers = await Promise.all([ada, bob].map((said) => desk.operator.redrive({ letterId, ...said })));
    expect(answers.map(({ verdict }) => verdict).toSorted()).toEqual(['alreadyApplied', 'applied']);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(await ground.store.audit.list({ letterId, limit: 9 })).toHaveLength(2);
  });

  it('of two who redrive it and waive it at once, one is refused', async () => {
    const { id: letterId } = await putAwayThoughSound(reserved(randomUUID()));
    const answers = await Promise.all([
      desk.operator.redrive({ letterId, ...ada }),
      desk.operator.waive({ letterId, ...bob }),
    ]);
    expect(answers.map(({ verdict }) => verdict).toSorted()).toEqual(['applied', 'refused']);
    const refused = answers.find(({ verdict }) => verdict === 'refused')!;
    expect(refused.because).toMatch(
      /^it (was|is never) received, but it was (waived by bob|redriven by ada) meanwhile$/,
    );
    const [letter] = await desk.letters();
    const applied = (await ground.store.audit.list({ letterId, limit: 9 })).filter(
      ({ verdict }) => verdict === 'applied',
    );
    expect(applied.map(({ actor }) => actor)).toEqual([letter!.settled!.by]);
  });

  it('that was waived is never received', async () => {
    const sagaId = randomUUID();
    const { id: letterId } = await putAwayThoughSound(reserved(sagaId));
    expect(await desk.operator.waive({ letterId, ...ada })).toMatchObject({ verdict: 'applied' });
    expect(await desk.operator.redrive({ letterId, ...bob })).toMatchObject({ verdict: 'refused' });
    expect(await service.row(sagaId, 'charge')).toBeUndefined();
  });

  it('and was, is a duplicate when it is redriven again because its letter could not be settled; then the letter is', async () => {
    const { id: letterId } = await putAwayThoughSound(reserved(randomUUID()));
    let transactions = 0;
    ground.store.trouble = (moment) => {
      if (moment !== 'begin') return;
      transactions += 1;
      if (transactions === 2) throw new Error('the database is away');
    };
    await expect(desk.operator.redrive({ letterId, ...ada })).rejects.toThrow('the database is away');
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(await desk.operator.deadLetters({ state: 'open' })).toHaveLength(1);
    expect(await desk.operator.redrive({ letterId, ...ada })).toMatchObject({ verdict: 'applied' });
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(await desk.operator.deadLetters({ state: 'open' })).toEqual([]);
  });

  it('waits on when it could not be settled', async () => {
    const { id: letterId } = await putAwayThoughSound(reserved(randomUUID()));
    ground.store.trouble = () => {
      throw new Error('the database is away');
    };
    await expect(desk.operator.redrive({ letterId, ...ada })).rejects.toThrow('the database is away');
    ground.store.trouble = () => undefined;
    expect(await desk.operator.deadLetters({ state: 'open' })).toHaveLength(1);
  });
});

describe('an abort', () => {
  const target = (sagaId: string, committed: boolean) => ({ sagaId, saga: Booking, committed });

  it('is asked for once, whoever asks', async () => {
    const sagaId = randomUUID();
    const answers = await Promise.all([ada, bob, ada].map((said) => desk.operator.abort(target(sagaId, false), said)));
    const later = await desk.operator.abort(target(sagaId, false), bob);
    const verdicts = [...answers, later].map(({ verdict }) => verdict);
    expect(verdicts.toSorted()).toEqual(['alreadyApplied', 'alreadyApplied', 'alreadyApplied', 'applied']);
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([
      {
        outcome: 'abortRequested',
        sagaId,
        cause: { reason: expect.stringMatching(/^aborted by (ada|bob): /) as string },
      },
    ]);
    expect(await desk.words(sagaId)).toHaveLength(4);
  });

  it('is refused when the pivot is known to be done, and that is written down', async () => {
    const sagaId = randomUUID();
    expect(await desk.operator.abort(target(sagaId, true), ada)).toMatchObject({
      verdict: 'refused',
      because: 'its pivot "confirm" is done: nothing is undone any more',
    });
    expect(ground.transport.events).toEqual([]);
    expect(await desk.words(sagaId)).toEqual(['ada abort refused']);
  });

  it('leaves nothing when its commit fails', async () => {
    const sagaId = randomUUID();
    ground.store.trouble = (moment) => {
      if (moment === 'commit') throw new Error('cut');
    };
    const failed = { code: 'STORE_UNAVAILABLE', facts: { retriable: true }, cause: { cause: { message: 'cut' } } };
    await expect(desk.operator.abort(target(sagaId, false), ada)).rejects.toMatchObject(failed);
    ground.store.trouble = () => undefined;
    expect(await desk.words(sagaId)).toEqual([]);
    expect(await ground.store.outbox.backlog()).toEqual({ size: 0 });
  });
});
