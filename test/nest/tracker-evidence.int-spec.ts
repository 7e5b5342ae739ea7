import { SagaTracker } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { eventually } from './scene.js';
import { TrackerScene, historyOf, type Fact } from './tracker-scene.js';

describe('evidence that the protocol was violated', () => {
  const violations: [string, readonly Fact[], string][] = [
    [
      'a step that is done and rejected',
      [
        ['reserve', 'done'],
        ['reserve', 'rejected'],
      ],
      'step "reserve" is both done and rejected',
    ],
    [
      'an undo of a step that had no effect, which changes nothing else of what is known',
      [
        ['reserve', 'compensated'],
        ['reserve', 'cancelled'],
      ],
      'step "reserve" was undone although it never had an effect',
    ],
    [
      'a closed step although the pivot is done',
      [
        ['charge', 'done'],
        ['reserve', 'cancelled'],
      ],
      'step "reserve" closed although the pivot "charge" is done',
    ],
    ['a step that the definition does not have', [['nowhere', 'done']], '"nowhere" is no step of saga "order"'],
  ];

  test.each(violations)('is kept and told: %s', async (_what, story, inconsistency) => {
    const scene = new TrackerScene(await freshDatabase());
    const app = await scene.tracking();
    const id = randomUUID();
    for (const fact of story) {
      await scene.send(id, story, [fact]);
      await eventually(async () => expect(historyOf(await app.get(SagaTracker).find(id))).toContain(fact.join(' ')));
    }
    expect((await app.get(SagaTracker).find(id))?.inconsistencies).toContain(inconsistency);
  });
});
