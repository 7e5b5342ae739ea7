import { describe, expect, it } from 'vitest';
import { Booking } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

class Overloaded extends Error {}
class BrokenInput extends Error {}
class VeryOverloaded extends Overloaded {}

const on = [
  { error: Overloaded, retries: 5, firstDelay: 10_000, maxDelay: 20_000 },
  { error: BrokenInput, retries: 0 },
];

async function attemptsWith(...errors: readonly Error[]) {
  const ground = new Ground();
  const started = ground.clock.now().getTime();
  const times: number[] = [];
  const charge = bind(
    Booking,
    'charge',
    () => {
      times.push(ground.clock.now().getTime() - started);
      throw errors[Math.min(times.length, errors.length) - 1]!;
    },
    { retry: { on } },
  );
  const service = await Service.started(ground, [charge]);
  const [sagaId] = sagaIds(1);
  await ground.transport.deliver([reserved(sagaId!)]);
  await ground.clock.advance(600_000);
  return { times, status: (await service.row(sagaId!, 'charge'))?.status };
}

describe('a policy for a type of errors', () => {
  it('replaces what it names of the step’s own, for its subclasses too', async () => {
    const slower = [0, 10_000, 30_000, 50_000, 70_000, 90_000];
    expect(await attemptsWith(new Overloaded())).toEqual({ times: slower, status: 'rejected' });
    expect(await attemptsWith(new VeryOverloaded())).toEqual({ times: slower, status: 'rejected' });
  });

  it('may give up at the first error', async () => {
    expect(await attemptsWith(new BrokenInput())).toEqual({ times: [0], status: 'rejected' });
    expect(await attemptsWith(new Error('away'), new BrokenInput())).toEqual({ times: [0, 1_000], status: 'rejected' });
  });

  it('leaves all other errors to the step’s own policy', async () => {
    expect(await attemptsWith(new TypeError())).toEqual({ times: [0, 1_000, 3_000, 7_000], status: 'rejected' });
  });
});
