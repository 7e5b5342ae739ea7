import { Injectable, type Type } from '@nestjs/common';
import { OnSagaEvent, SagaStep, Sagas, inMemory, type ListenerOptions } from 'nest-saga';
import { expect, test } from 'vitest';
import { MemoryStore } from '../../libs/saga/src/adapters/memory/memory-store.js';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { LogLines } from './log-lines.js';
import { Payment, PaymentDone } from './order-saga.js';
import { eventually, started } from './scene.js';

@Injectable()
class Steps {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }
}

/** What a class was called before a deployment, and after it. */
function before(options: ListenerOptions, hear: () => void): Type {
  @Injectable()
  class Audit {
    @OnSagaEvent(PaymentDone, options)
    paid(): void {
      hear();
    }
  }
  return Audit;
}

function after(options: ListenerOptions, hear: () => void): Type {
  @Injectable()
  class A {
    @OnSagaEvent(PaymentDone, options)
    paid(): void {
      hear();
    }
  }
  return A;
}

/** A listener that cannot hear yet is deployed anew, under another class name. */
async function renamed(options: ListenerOptions): Promise<{ readonly heard: string[]; readonly log: LogLines }> {
  const store = new MemoryStore(systemClock);
  const saga = { transport: inMemory(), store: () => store };
  const heard: string[] = [];
  let tries = 0;
  const failing = before(options, () => {
    tries += 1;
    throw new Error('not yet');
  });
  const old = await started({ providers: [Steps, failing], saga });
  await old.get(Sagas).start(Payment, {});
  await eventually(() => expect(tries).toBeGreaterThan(0));
  await old.close();
  const log = new LogLines();
  const now = { ...saga, transport: inMemory() };
  await started({ providers: [Steps, after(options, () => heard.push('heard'))], saga: now, log });
  return { heard, log };
}

test('a listener with a name goes on where it was when its class is called something else', async () => {
  const { heard, log } = await renamed({ name: 'audit' });
  await eventually(() => expect(heard).toEqual(['heard']));
  expect(log.errors).toEqual([]);
});

test('without one it is another listener, and the log says what nobody hears', async () => {
  const { heard, log } = await renamed({});
  await eventually(() =>
    expect(log.errors.join()).toContain('This process has no method for step "Audit.paid(payment.done)"'),
  );
  expect(heard).toEqual([]);
});

test('a name that cannot be is refused', async () => {
  const app = started({ providers: [Steps, before({ name: 'audit[1]' }, () => undefined)] });
  await expect(app).rejects.toThrow('Audit.paid: name is "audit[1]"; use up to 100 letters, digits, ".", "_" or "-"');
});
