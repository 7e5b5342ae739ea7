import {
  Compensates,
  OnSagaEvent,
  type ClosingData,
  SagaModule,
  SagaStep,
  defineSaga,
  inMemory,
  type AbortAnswer,
  type Sagas,
  type Started,
  type StepContext,
  type TrackedSaga,
} from 'nest-saga';
import { z } from 'zod';
import { CustomerChecked, OrderPaid, OrderPlaced, OrderShipped } from './events.js';
import { holds, type Same } from './type-equality.js';

declare const sagas: Sagas;

const NewOrder = z.object({ customer: z.string(), express: z.boolean().default(false) });

const WithSchema = defineSaga('with-schema', {
  place: { input: NewOrder, emits: OrderPlaced },
  pay: { after: 'place', kind: 'pivot', emits: OrderPaid },
});
const WithEvent = defineSaga('with-event', {
  place: { on: OrderPaid, emits: OrderPlaced },
  ship: { after: 'place', emits: OrderShipped },
});
const WithNothing = defineSaga('with-nothing', { place: { emits: OrderPlaced } });
const ReadOnly = defineSaga('read-only', {
  check: { kind: 'readOnly', emits: CustomerChecked },
  pay: { after: 'check', emits: OrderPaid },
});

export async function starting(): Promise<void> {
  // The input schema takes its input: what has a default may be left out.
  const started = await sagas.start(WithSchema, { customer: 'c-1' });
  holds<Same<typeof started, Started>>();
  await sagas.start(WithSchema, { customer: 'c-1', express: true }, { key: 'k', correlationId: 'http-7' });
  // @ts-expect-error what the schema demands
  await sagas.start(WithSchema, {});
  // @ts-expect-error as the schema demands it
  await sagas.start(WithSchema, { customer: 1 });
  // @ts-expect-error nothing that the schema does not know
  await sagas.start(WithSchema, { customer: 'c-1', client: 'c-1' });
  // @ts-expect-error an input at all
  await sagas.start(WithSchema);

  // A saga that an outside event starts takes the event, or its data.
  await sagas.start(WithEvent, { chargeId: 'c-1' });
  await sagas.start(WithEvent, new OrderPaid({ chargeId: 'c-1' }));
  // @ts-expect-error the data of another event
  await sagas.start(WithEvent, { parcel: 'p-1' });

  // Without a schema and an event it takes any object, which its method declares.
  await sagas.start(WithNothing, { whatever: 1 });
  // @ts-expect-error but an object
  await sagas.start(WithNothing, 'order');

  // @ts-expect-error no option of a start
  await sagas.start(WithNothing, {}, { id: 'k' });
  // @ts-expect-error a definition, not its name
  await sagas.start('with-nothing', {});
}

holds<Same<ReturnType<Sagas['status']>, Promise<TrackedSaga | undefined>>>();
holds<Same<ReturnType<Sagas['settled']>, Promise<TrackedSaga>>>();
holds<Same<ReturnType<Sagas['requestAbort']>, Promise<AbortAnswer>>>();
holds<Same<AbortAnswer, 'requested' | 'refused'>>();

export class Steps {
  @SagaStep(WithEvent.steps.place)
  async outsideEventIsTheInput(_paid: OrderPaid, _saga: StepContext): Promise<OrderPlaced> {
    return new OrderPlaced({ orderId: 'o-1', total: 1 });
  }

  @SagaStep(WithNothing.steps.place)
  declaresItsOwnInput(_order: { whatever: number }): OrderPlaced {
    return new OrderPlaced({ orderId: 'o-1', total: 1 });
  }

  @SagaStep(WithNothing.steps.place)
  private async maybePublishes(_order: object, _saga: StepContext): Promise<OrderPlaced | undefined> {
    return undefined;
  }

  @OnSagaEvent(ReadOnly.steps.check.events.rejected)
  listensToAnEventOfTheLibrary(_closing: object): void {
    void this.maybePublishes;
  }

  @OnSagaEvent(ReadOnly.steps.check.events.defaults.rejected)
  listensToAClosingOfTheLibrary({ failedStep, reason }: ClosingData): string {
    return failedStep + reason;
  }

  // @ts-expect-error what the library makes is no event of the user's
  @OnSagaEvent(ReadOnly.steps.check.events.defaults.rejected)
  mistakesAClosingOfTheLibrary(_shipped: OrderShipped): void {
    void this.maybePublishes;
  }

  // @ts-expect-error the input is the outside event
  @SagaStep(WithEvent.steps.place)
  wrongOutsideEvent(_shipped: OrderShipped): OrderPlaced {
    return new OrderPlaced({ orderId: 'o-1', total: 1 });
  }

  // @ts-expect-error a read-only step is never undone
  @Compensates(ReadOnly.steps.check)
  undoReadOnly(_checked: CustomerChecked): void {}

  // @ts-expect-error the context of a listener has no cause
  @OnSagaEvent(OrderPaid)
  listensWithTheWrongContext(_paid: OrderPaid, _saga: { cause: string }): void {}
}

export const modules = [
  SagaModule.forRoot({ service: 'shop', transport: inMemory(), topics: ({ sagaType, type }) => `${sagaType}.${type}` }),
  SagaModule.forRootAsync({ useFactory: async () => ({ service: 'shop', transport: inMemory() }) }),
  // @ts-expect-error a service has a name
  SagaModule.forRoot({ transport: inMemory() }),
  // @ts-expect-error no such naming
  SagaModule.forRoot({ service: 'shop', transport: inMemory(), topics: 'perEvent' }),
  // @ts-expect-error the factory gives the options
  SagaModule.forRootAsync({ useFactory: () => ({ service: 'shop' }) }),
];
