import 'reflect-metadata';
import { Injectable, Logger, Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { inMemory, kafka, SagaModule, Sagas, SagaStep, type SagaModuleOptions } from 'nest-saga';
import { MemoryStore } from '../../libs/saga/src/adapters/memory/memory-store.js';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { Payment, PaymentDone, Visit, VisitDone } from './closing-sagas.js';

// Makes applications and closes them in many ways (of which one can be named), and prints each. Then it ends by itself: nothing may hold it.

@Injectable()
class Steps {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }

  @SagaStep(Visit.steps.visit)
  visit(): Promise<VisitDone> {
    return new Promise(() => undefined);
  }
}

@Module({})
class App {
  static of(saga: Partial<SagaModuleOptions> = {}): DynamicModule {
    const store = new MemoryStore(systemClock);
    const options: SagaModuleOptions = { service: 'shop', transport: inMemory(), store: () => store, ...saga };
    return { module: App, imports: [CqrsModule.forRoot(), SagaModule.forRoot(options)], providers: [Steps] };
  }
}

const made = (saga?: Partial<SagaModuleOptions>) => NestFactory.create(App.of(saga), { logger: false });
const away = kafka({ brokers: ['127.0.0.1:1'], publishTimeoutMs: 500 });
const start = (app: Awaited<ReturnType<typeof made>>) => app.get(Sagas).start(Payment, {});

const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  async twiceAtOnce() {
    const app = await made();
    await app.init();
    await start(app);
    await Promise.all([app.close(), app.close()]);
    await app.close();
  },
  async neverInitialized() {
    await (await made({ transport: away })).close();
  },
  async whileStarting() {
    const app = await made({ transport: away });
    const starting = app.init();
    await app.close();
    await starting;
  },
  async inMidBatch() {
    const app = await made();
    await app.listen(0, '127.0.0.1');
    const starts = Array.from({ length: 300 }, () => start(app));
    await app.close();
    await Promise.all(starts);
  },
  async severalInOneProcess() {
    const apps = [
      await made({ transport: inMemory() }),
      await made({ transport: inMemory(), service: 'other' }),
      await made({ transport: away }),
    ];
    for (const app of apps) await app.init();
    await Promise.all(apps.map(start));
    await Promise.all(apps.map((app) => app.close()));
  },
  async wrongSetup() {
    const twice = await Test.createTestingModule({
      imports: [App.of(), SagaModule.forRoot({ service: 'b', transport: away })],
    })
      .setLogger(false as never)
      .compile();
    await twice.init().catch(() => undefined);
    await twice.close();
  },
  async methodThatNeverReturns() {
    const app = await made({ settings: { drainWithin: 200 } });
    await app.init();
    await app.get(Sagas).start(Visit, {});
    await app.close();
  },
  async initializedAfterClose() {
    const app = await made({ transport: away });
    await app.close();
    await app.init().catch((error: unknown) => console.log(String(error)));
  },
  async startedAfterClose() {
    const app = await made();
    await app.init();
    await app.close();
    await start(app);
  },
};

Logger.overrideLogger(false);
for (const [name, closeIt] of Object.entries(cases)) {
  if (process.argv[2] !== undefined && process.argv[2] !== name) continue;
  await closeIt();
  console.log(name);
}
