import { Sagas } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { eventually } from '../nest/scene.js';
import { TrackerScene } from '../nest/tracker-scene.js';
import { freshDatabase } from '../support/database.js';

test('a time that Postgres could not hold as it is written holds up no tracker', async () => {
  const scene = new TrackerScene(await freshDatabase());
  const publish = scene.publish.bind(scene);
  const times = ['2026-03-01T00:00:00+23:59', `2026-03-01T00:00:00.${'9'.repeat(300)}Z`, '2026-03-01T00:00:00Z'];
  const ids = times.map(() => randomUUID());
  for (const [index, time] of times.entries()) {
    scene.publish = (message) => publish({ ...message, headers: { ...message.headers, ce_time: time } });
    await scene.send(ids[index]!, [['place', 'done']]);
  }
  const sagas = (await scene.tracking()).get(Sagas);
  await eventually(async () => {
    for (const id of ids) expect(await sagas.status(id)).toMatchObject({ status: 'running' });
  });
});
