import { beforeEach, describe, expect, it } from 'vitest';
import { ada, Desk } from './stage/desk.js';
import { settled } from './stage/network.js';
import { approve, granted, Opening, opening } from './stage/opening.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
let service: Service;
let sagaId: string;

beforeEach(async () => {
  ground = new Ground();
  service = await Service.started(ground, opening());
  ({ sagaId } = await service.saga.startSaga(Opening, {}));
  await settled(ground);
});

describe('a step that awaits a signal', () => {
  it('waits for no attempt: to redrive it is refused, and its method is not run again', async () => {
    const answer = await new Desk(service).operator.redrive({ sagaId, step: 'approve', ...ada });
    expect(answer).toMatchObject({
      verdict: 'refused',
      because: expect.stringContaining('waits for a signal') as string,
    });
    await settled(ground);
    expect(ground.store.effects).toEqual(['asked for approval']);
  });

  const byAda = () =>
    ({ sagaId, step: 'approve', as: 'done', event: { accountId: 'a-1', by: 'ada' }, ...ada }) as const;

  it('is resolved in the place of who should have answered; the signal that comes later is told so', async () => {
    expect(await new Desk(service).operator.resolve(byAda())).toMatchObject({ verdict: 'applied', status: 'done' });
    expect(await service.saga.signal(sagaId, approve, granted('ann'))).toMatchObject({ accepted: false });
    await settled(ground);
    expect(ground.transport.events.find(({ step }) => step === 'approve')).toMatchObject({ data: { by: 'ada' } });
    expect(await service.row(sagaId, 'activate')).toMatchObject({ status: 'done' });
  });

  it('is decided by one of an operator and a signal that come at once', async () => {
    const [answer, signal] = await Promise.all([
      new Desk(service).operator.resolve(byAda()),
      service.saga.signal(sagaId, approve, granted('ann')),
    ]);
    expect([answer.verdict, signal.accepted]).toEqual(signal.accepted ? ['refused', true] : ['applied', false]);
    await settled(ground);
    const told = ground.transport.events.filter(({ step }) => step === 'approve');
    expect(told).toMatchObject([{ outcome: 'done', data: { by: signal.accepted ? 'ann' : 'ada' } }]);
  });
});
