import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { Compensates, DomainEvent, SagaOperator, SagaStep, SagaTrackerModule, Sagas, defineSaga } from 'nest-saga';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { eventually } from './scene.js';

const user = z.object({ userId: z.string() });
class Registered extends DomainEvent('user.registered', user) {}
class Deactivated extends DomainEvent('user.deactivated', user) {}
class Welcomed extends DomainEvent('user.welcomed', user.extend({ mailId: z.string() })) {}
class Corrected extends DomainEvent('welcome.corrected', user.extend({ mailId: z.string() })) {}
class Opened extends DomainEvent('dashboard.opened', user) {}
class Refused extends DomainEvent('dashboard.refused', user.extend({ reason: z.string() })) {}

// #region definition
const Registration = defineSaga('registration', {
  register: { input: user, emits: Registered, compensated: Deactivated },
  welcome: {
    after: 'register',
    undo: 'semantic',
    onDeadLetter: 'continue',
    emits: Welcomed,
    compensated: Corrected,
  },
  openDashboard: { after: 'welcome', emits: Opened, rejected: Refused },
});
// #endregion definition

@Injectable()
class Steps {
  corrections = 0;

  @SagaStep(Registration.steps.register)
  register(given: { userId: string }): Registered {
    return new Registered(given);
  }

  @Compensates(Registration.steps.register)
  deactivate({ userId }: Registered): Deactivated {
    return new Deactivated({ userId });
  }

  @SagaStep(Registration.steps.welcome)
  welcome({ userId }: Registered): Welcomed {
    return new Welcomed({ userId, mailId: 'mail-1' });
  }

  @Compensates(Registration.steps.welcome)
  correct(_sent: Welcomed): Corrected {
    this.corrections += 1;
    throw new Error('the mailbox is full');
  }

  @SagaStep(Registration.steps.openDashboard)
  open({ userId }: Welcomed): Refused {
    return new Refused({ userId, reason: 'no seat left' });
  }
}

async function resolved(app: TestingModule, sagaId: string): Promise<void> {
  const word = { sagaId, step: 'welcome', actor: 'ada', reason: 'called the user' };
  const event = { userId: 'u1', mailId: 'mail-1' };
  expect(await app.get(SagaOperator).resolve({ ...word, as: 'compensated', event })).toMatchObject({
    verdict: 'applied',
  });
}

test('a correction that cannot be made stays owed, visibly, while the rest of the saga is undone', async () => {
  const app = await startedOn(await freshDatabase(), { providers: [Steps], imports: [SagaTrackerModule] });
  const { sagaId } = await app.get(Sagas).start(Registration, { userId: 'u1' });
  const aborted = await app.get(Sagas).settled(sagaId, { timeout: 20_000 });
  expect(aborted).toMatchObject({
    status: 'aborted',
    debts: ['welcome'],
    steps: { register: 'compensated', welcome: 'deadLettered', openDashboard: 'rejected' },
    inconsistencies: [],
  });
  expect(aborted.history.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
    'register done',
    'welcome done',
    'openDashboard rejected',
    'welcome deadLettered',
    'register compensated',
  ]);
  expect(app.get(Steps).corrections).toBeGreaterThanOrEqual(4);

  await resolved(app, sagaId);
  await eventually(async () => {
    const after = await app.get(Sagas).status(sagaId);
    expect(after).toMatchObject({ status: 'aborted', debts: [], steps: { welcome: 'compensated' } });
  });
  expect((await app.get(Sagas).status(sagaId))?.history).toHaveLength(6);
});
