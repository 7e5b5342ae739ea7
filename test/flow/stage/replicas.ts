import { MemoryStore } from '../../../libs/saga/src/adapters/memory/memory-store.js';
import type { IncomingRecord } from '../../../libs/saga/src/ports/transport.js';
import { Booking, BookingConfirmed, MailSent, RoomReserved, type CardCharged } from './booking.js';
import { write } from './charging.js';
import { EffectStore } from './effect-store.js';
import { bind, type Ground, Service } from './service.js';

export const mailing = () =>
  bind(Booking, 'mail', ({ bookingId }: CardCharged, saga) => {
    write(saga, `mail ${bookingId}`);
    return new MailSent({ bookingId });
  });
export const reserving = () => bind(Booking, 'reserve', () => new RoomReserved({ bookingId: 'b-1', nights: 1 }));
export const confirming = () => bind(Booking, 'confirm', () => new BookingConfirmed({ bookingId: 'b-1' }));

/** What a replica says that has a text in it. */
export const warned = ({ logs }: Service, part: string): readonly string[] =>
  logs.filter((line) => line.includes(part));

type Options = NonNullable<ConstructorParameters<typeof Service>[2]>;
type Steps = ConstructorParameters<typeof Service>[1];
export type Replica = Service & { receive(record: IncomingRecord): Promise<void> };

/** A replica that announces itself, with what it is given as a member of its group. */
export async function replica(ground: Ground, steps: Steps, options: Options = {}): Promise<Replica> {
  const before = ground.transport.subscriptions.length;
  const service = await Service.started(ground, steps, { announces: true, ...options });
  const subscriptions = ground.transport.subscriptions.slice(before);
  return Object.assign(service, { receive: (record: IncomingRecord) => subscriptions[0]!.handle([record]) });
}

/** A service of its own: it has other rows than the ground's. */
export async function other(
  ground: Ground,
  name: string,
  steps: Steps,
  options: Options = {},
): Promise<Replica & { readonly store: EffectStore }> {
  const store = new EffectStore(new MemoryStore(ground.clock));
  return Object.assign(await replica(ground, steps, { name, store, ...options }), { store });
}
