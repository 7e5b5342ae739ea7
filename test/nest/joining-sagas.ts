import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import { Compensates, DomainEvent, SagaStep, Sagas, defineSaga, type FlowSettings, type StepContext } from 'nest-saga';
import { DataSource, type DataSourceOptions, type EntityManager, type Repository } from 'typeorm';
import { z } from 'zod';
import { Note, startedOn } from './database-scene.js';

const cart = { cart: z.string() };

export class Ordered extends DomainEvent('cart.ordered', z.object(cart)) {}
export class Confirmed extends DomainEvent('cart.confirmed', z.object(cart)) {}
export class Posted extends DomainEvent('cart.posted', z.object(cart)) {}

/** Its first step is one of the checkout's own database; somebody confirms it. */
export const Checkout = defineSaga('checkout', {
  order: { input: z.object(cart), emits: Ordered },
  confirm: { after: 'order', kind: 'pivot', awaits: 'signal', emits: Confirmed },
});

/** Its first step works outside. */
export const Mail = defineSaga('mail', { post: { input: z.object(cart), effect: 'external', emits: Posted } });

export class CartLeft extends DomainEvent('cart.left', z.object(cart)) {}
export class Reminded extends DomainEvent('cart.reminded', z.object(cart)) {}

/** An event on the local bus starts it. */
export const Reminder = defineSaga('reminder', { remind: { on: CartLeft, emits: Reminded } });

@Injectable()
export class CheckoutSteps {
  readonly posted: string[] = [];
  /** What the first step does besides. */
  besides: (saga: StepContext) => Promise<unknown> = async () => undefined;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Checkout.steps.order)
  async order({ cart: text }: { cart: string }, saga: StepContext): Promise<Ordered> {
    await this.notes.insert({ text: `ordered ${text}` });
    await this.besides(saga);
    return new Ordered({ cart: text });
  }

  @Compensates(Checkout.steps.order)
  async cancel({ cart: text }: Ordered): Promise<void> {
    await this.notes.insert({ text: `cancelled ${text}` });
  }

  @SagaStep(Checkout.steps.confirm)
  async confirm(): Promise<void> {
    await this.notes.insert({ text: 'asked to confirm' });
  }

  @SagaStep(Reminder.steps.remind)
  async remind({ cart: text }: CartLeft): Promise<Reminded> {
    await this.notes.insert({ text: `reminded of ${text}` });
    return new Reminded({ cart: text });
  }

  @SagaStep(Mail.steps.post)
  async post({ cart: text }: { cart: string }): Promise<Posted> {
    this.posted.push(text);
    return new Posted({ cart: text });
  }
}

/** An application that checks out carts, and how a test looks at it. */
export class Shop {
  readonly sagas: Sagas;
  readonly steps: CheckoutSteps;
  readonly dataSource: DataSource;

  constructor(readonly app: TestingModule) {
    this.sagas = app.get(Sagas);
    this.steps = app.get(CheckoutSteps);
    this.dataSource = app.get(DataSource);
  }

  /** The committed rows of the application's own. */
  async notes(): Promise<readonly string[]> {
    const repository = this.app.get<Repository<Note>>(getRepositoryToken(Note));
    return (await repository.find()).map(({ text }) => text).toSorted();
  }

  /** How many rows of the library's own there are. */
  async rows(): Promise<object> {
    const [found] = await this.dataSource.query<[object]>(
      'SELECT (SELECT count(*)::integer FROM saga_step) AS rows, (SELECT count(*)::integer FROM saga_outbox) AS events',
    );
    return found;
  }
}

/** A row that the caller writes in his transaction. */
export const note = (manager: EntityManager, text: string): Promise<unknown> => manager.insert(Note, { text });

export type Client = Partial<Extract<DataSourceOptions, { readonly type: 'postgres' }>>;

/** Nothing is swept while a test runs: what is published was published after its commit. */
export async function opened(url: string, client: Client = {}, settings: Partial<FlowSettings> = {}): Promise<Shop> {
  const saga = { settings: { sweepEvery: 600_000, ...settings } };
  return new Shop(await startedOn(url, { providers: [CheckoutSteps], saga }, client));
}

export const nothing = { rows: 0, events: 0 };
/** The step after the first one has heard that it is done. */
export const wentOn = 'asked to confirm';
