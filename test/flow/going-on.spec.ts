import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import { foldSaga } from '../../libs/saga/src/protocol/saga-state.js';
import type { Signal } from '../../libs/saga/src/protocol/step-state.js';
import { write } from './stage/charging.js';
import { settled } from './stage/network.js';
import { bind, Ground, Service } from './stage/service.js';

class Opened extends DomainEvent('account.opened', z.object({ id: z.string() })) {}
class Greeted extends DomainEvent('customer.greeted', z.object({ id: z.string() })) {}
class Checked extends DomainEvent('customer.checked', z.object({ id: z.string() })) {}
class Refused extends DomainEvent('customer.refused', z.object({ id: z.string(), reason: z.string() })) {}

const Account = defineSaga('account', {
  open: { emits: Opened },
  greet: { after: 'open', onDeadLetter: 'continue', emits: Greeted },
  check: { after: 'greet', emits: Checked, rejected: Refused },
});

const id = { id: 'a-1' };
let ground: Ground;
let correcting: 'away' | 'there';
beforeEach(() => {
  ground = new Ground();
  correcting = 'away';
});

async function closing(): Promise<{ readonly service: Service; readonly sagaId: string }> {
  const service = await Service.started(ground, [
    bind(Account, 'open', () => new Opened(id), { undo: (_done, saga) => void write(saga, 'closed') }),
    bind(Account, 'greet', () => new Greeted(id), {
      undo: (_done, saga) => {
        if (correcting === 'away') throw new Error('no mail today');
        write(saga, 'corrected');
      },
    }),
    bind(Account, 'check', () => new Refused({ ...id, reason: 'unknown person' })),
  ]);
  const { sagaId } = await service.saga.startSaga(Account, {});
  await settled(ground);
  await ground.clock.advance(60_000);
  await settled(ground);
  return { service, sagaId };
}

function operated(service: Service, sagaId: string, signal: Signal): Promise<{ readonly verdict: string }> {
  const { participant } = service.saga;
  const bound = participant.steps.find(Account, 'greet')!;
  const headers = { sagaId, sagaType: 'account', sagaVersion: 1, correlationId: sagaId, partitionKey: sagaId };
  return service.saga.submit({ sagaId, bound, headers, happening: { type: 'signal', signal } });
}

const outcome = (): string => foldSaga(Account, ground.transport.events).status;
const debts = (): readonly string[] => foldSaga(Account, ground.transport.events).debts;

describe('a compensation that keeps failing, of a step with onDeadLetter: continue', () => {
  it('does not hold up the undo of the steps before it, and stays owed', async () => {
    const { service, sagaId } = await closing();
    expect(await service.row(sagaId, 'greet')).toMatchObject({ status: 'deadLettered', attempts: 4 });
    expect(await service.row(sagaId, 'open')).toMatchObject({
      status: 'compensated',
      cause: { step: 'check', reason: 'unknown person' },
    });
    expect(ground.store.effects).toEqual(['closed']);
    expect([outcome(), debts()]).toEqual(['aborted', ['greet']]);
  });

  it('is settled by hand later, without moving anything else', async () => {
    const { service, sagaId } = await closing();
    const before = await service.row(sagaId, 'open');
    expect(await operated(service, sagaId, { type: 'resolve' })).toMatchObject({ verdict: 'handled' });
    await settled(ground);
    expect(await service.row(sagaId, 'greet')).toMatchObject({ status: 'compensated' });
    expect(await service.row(sagaId, 'open')).toEqual(before);
    expect([outcome(), debts()]).toEqual(['aborted', []]);
  });

  it('is tried again by a redrive, and then undone once', async () => {
    const { service, sagaId } = await closing();
    correcting = 'there';
    await operated(service, sagaId, { type: 'redrive' });
    await settled(ground);
    await ground.clock.advance(60_000);
    await settled(ground);
    expect(ground.store.effects).toEqual(['closed', 'corrected']);
    expect([outcome(), debts()]).toEqual(['aborted', []]);
    expect(await operated(service, sagaId, { type: 'resolve' })).toMatchObject({ verdict: 'refused' });
  });
});
