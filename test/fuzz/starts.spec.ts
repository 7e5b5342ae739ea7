import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { defineSaga } from '../../libs/saga/src/definition/index.js';
import { SagaError } from '../../libs/saga/src/protocol/errors.js';
import type { FlowSettings } from '../../libs/saga/src/flow/participant.js';
import type { StartOptions } from '../../libs/saga/src/flow/start.js';
import { bind, Ground, Service } from '../flow/stage/service.js';
import { Begun, Ended } from './loose-saga.js';
import { anyHostile, anyText } from './odd-values.js';
import { patience, tries } from './tries.js';

/** Takes any input; its source works outside the database, so that the input is kept. */
const Open = defineSaga('open', {
  begin: { effect: 'external', emits: Begun },
  end: { after: 'begin', kind: 'pivot', emits: Ended },
});
const codes = ['INVALID_START_INPUT', 'START_INPUT_TOO_LARGE', 'INVALID_START_KEY', 'INVALID_CORRELATION_ID'];

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const opening = (settings: Partial<FlowSettings> = {}): Promise<Service> =>
  Service.started(ground, [bind(Open, 'begin', () => new Begun({})), bind(Open, 'end', () => new Ended({}))], {
    settings,
  });

async function answerTo(service: Service, input: unknown, options: unknown): Promise<'started' | SagaError> {
  try {
    await service.saga.startSaga(Open, input, options as StartOptions);
    return 'started';
  } catch (error) {
    if (error instanceof SagaError) return error;
    throw error;
  }
}

test(
  'any start with any input and options ends well, or leaves nothing and says what is wrong',
  { timeout: patience },
  async () => {
    const anyOptions = fc.oneof(
      fc.constant(undefined),
      fc.record(
        { key: fc.oneof(anyText, anyHostile), correlationId: fc.oneof(anyText, anyHostile) },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(anyHostile, anyOptions, async (input, options) => {
        ground = new Ground();
        const service = await opening();
        const answer = await answerTo(service, input, options);
        await ground.clock.advance(60_000);
        const opened = ground.store.commits > 0;
        expect(opened).toBe(answer === 'started');
        expect(ground.transport.events).toHaveLength(opened ? 1 : 0); // which reads them, as others do
        expect(['started', ...codes]).toContain(answer === 'started' ? answer : answer.code);
        expect(answer === 'started' ? '' : answer.message).toMatch(/^.{0,1500}$/s);
        expect(ground.transport.published.every(({ topic }) => topic !== 'saga.dead-letters')).toBe(true);
        await service.saga.drain();
      }),
      tries(120),
    );
  },
);
