import { Injectable } from '@nestjs/common';
import {
  Compensates,
  DomainEvent,
  SagaStep,
  SagaTrackerModule,
  Sagas,
  StepRejected,
  defineSaga,
  inMemory,
} from 'nest-saga';
import type { StepContext } from 'nest-saga';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';

const claim = z.object({ claim: z.string(), items: z.array(z.string()) });
class ClaimOpened extends DomainEvent('claim.opened', claim) {}
class ItemAssessed extends DomainEvent('item.assessed', z.object({ item: z.string() })) {}
class ClaimValued extends DomainEvent('claim.valued', z.object({ claim: z.string(), items: z.int() })) {}
class ExpertHeard extends DomainEvent('expert.heard', z.object({ claim: z.string() })) {}
class ClaimPaid extends DomainEvent('claim.paid', z.object({ claim: z.string(), expert: z.boolean() })) {}

// #region definition
const Settlement = defineSaga('settlement', {
  openClaim: { input: claim, emits: ClaimOpened },
  assessItem: { after: 'openClaim', each: (opened: ClaimOpened) => opened.items, emits: ItemAssessed },
  // also given the claim when it has no items, and `assessItem` is {}
  valueClaim: { after: ['openClaim', 'assessItem'], emits: ClaimValued },
  hearExpert: { after: 'valueClaim', when: (valued: ClaimValued) => valued.items > 1, emits: ExpertHeard },
  // also given the value when nobody was heard, and `hearExpert` is undefined
  payClaim: { after: ['valueClaim', 'hearExpert'], kind: 'pivot', emits: ClaimPaid },
});
// #endregion definition

@Injectable()
class ClaimSteps {
  readonly undone: string[] = [];

  @SagaStep(Settlement.steps.openClaim)
  open(asked: z.infer<typeof claim>) {
    return new ClaimOpened(asked);
  }

  @Compensates(Settlement.steps.openClaim)
  close() {
    this.undone.push('claim');
  }

  @SagaStep(Settlement.steps.assessItem)
  assess(_opened: ClaimOpened, saga: StepContext) {
    return new ItemAssessed({ item: saga.branch });
  }

  @Compensates(Settlement.steps.assessItem)
  forget() {
    this.undone.push('item');
  }

  @SagaStep(Settlement.steps.valueClaim)
  value({ openClaim, assessItem }: { openClaim: ClaimOpened; assessItem: Readonly<Record<string, ItemAssessed>> }) {
    return new ClaimValued({ claim: openClaim.claim, items: Object.keys(assessItem).length });
  }

  @Compensates(Settlement.steps.valueClaim)
  devalue() {
    this.undone.push('value');
  }

  @SagaStep(Settlement.steps.hearExpert)
  hear({ claim: heard }: ClaimValued) {
    return new ExpertHeard({ claim: heard });
  }

  @Compensates(Settlement.steps.hearExpert)
  dismiss() {
    this.undone.push('expert');
  }

  @SagaStep(Settlement.steps.payClaim)
  pay({ valueClaim, hearExpert }: { valueClaim: ClaimValued; hearExpert: ExpertHeard | undefined }) {
    if (valueClaim.claim === 'refused') throw new StepRejected('not covered');
    return new ClaimPaid({ claim: valueClaim.claim, expert: hearExpert !== undefined });
  }
}

test.each([
  { items: [], expert: false, undone: ['value', 'claim'] },
  { items: ['one'], expert: false, undone: ['value', 'item', 'claim'] },
  { items: ['one', 'two'], expert: true, undone: ['expert', 'value', 'item', 'item', 'claim'] },
])('a step that also follows an earlier one is given its event: of $items', async ({ items, expert, undone }) => {
  const app = await startedOn(await freshDatabase(), {
    providers: [ClaimSteps],
    imports: [SagaTrackerModule],
    saga: { transport: inMemory() },
  });
  const sagas = app.get(Sagas);
  const ended = async (asked: string) => {
    const { sagaId } = await sagas.start(Settlement, { claim: asked, items });
    return sagas.settled(sagaId, { timeout: 20_000 });
  };
  const paid = await ended('covered');
  expect(paid.status).toBe('completed');
  expect(paid.history.at(-1)!.data).toEqual({ claim: 'covered', expert });
  expect((await ended('refused')).status).toBe('aborted');
  expect(app.get(ClaimSteps).undone).toEqual(undone);
});
