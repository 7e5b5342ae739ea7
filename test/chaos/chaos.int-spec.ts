import { startMailCatcher } from '../../scripts/services/mail.js';
import { query } from '../e2e/rows.js';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, kafkaBrokers } from '../support/kafka.js';
import { check } from './checker/check.js';
import { faultsNamed } from './faults/catalog.js';
import { Rounds } from './round.js';
import { World } from './world/world.js';

const seed = 20_261_122;
const faults = faultsNamed(['kill-at-consume.afterCommit', 'duplicates', 'connections-cut', 'poison']);

/** The short form of `npm run chaos`. */
describeWithKafka('sagas under chaos, as the durable stores tell it', () => {
  let world: World;
  let rounds: Rounds;

  beforeAll(async () => {
    const mail = await startMailCatcher();
    const servers = { databaseUrl: freshDatabase, brokers: kafkaBrokers(), mail, stop: () => mail.stop() };
    world = await World.start(servers, 1);
    rounds = new Rounds(world, { seed, sagas: 16, pressureMs: 3_000, restWithinMs: 120_000 });
  }, 180_000);

  afterAll(async () => {
    await world.stop();
    await world.servers.stop();
  }, 60_000);

  test.each(faults)(
    'no saga is lost, doubled or stuck: $name',
    async (fault) => {
      const outcome = await rounds.play(fault);
      expect(outcome.violations).toEqual([]);
      expect(outcome.recoveredMs).toBeDefined();
      expect(outcome.injected).toBeGreaterThan(0);
    },
    300_000,
  );

  test('the checker finds what is done to the stores behind their back: a lost saga, a doubled effect, a wrong order, a ghost', async () => {
    const { task, assignment } = world.databases;
    const [lost, ghost] = await query<{ saga_id: string }>(
      task,
      `SELECT saga_id FROM task WHERE status = 'assigned' LIMIT 2`,
    );
    const [undone] = await query<{ saga_id: string }>(
      task,
      `SELECT saga_id FROM task WHERE failed_step = 'sendNotification' LIMIT 1`,
    );
    await query(task, 'DELETE FROM task WHERE saga_id = $1', [lost!.saga_id]);
    await query(
      task,
      `UPDATE chaos_audit SET at = at - interval '1 hour' WHERE operation = 'UPDATE' AND after->>'saga_id' = $1`,
      [undone!.saga_id],
    );
    await query(task, `DELETE FROM chaos_audit WHERE "table" = 'saga_outbox' AND after->'event'->>'sagaId' = $1`, [
      ghost!.saga_id,
    ]);
    await query(
      assignment,
      'INSERT INTO assignment (id, saga_id, task_id, user_id) SELECT gen_random_uuid(), saga_id, task_id, user_id FROM assignment WHERE saga_id = $1',
      [ghost!.saga_id],
    );

    const violations = check(await rounds.evidence());
    expect(violations).toContainEqual(
      expect.objectContaining({ invariant: 'I1', harm: 'lost', sagaId: lost!.saga_id }),
    );
    expect(violations).toContainEqual(
      expect.objectContaining({
        invariant: 'I2',
        harm: 'doubled',
        sagaId: ghost!.saga_id,
        what: 'user assigned 2 times (completed)',
      }),
    );
    expect(violations).toContainEqual(
      expect.objectContaining({ invariant: 'I3', harm: 'wrong', sagaId: undone!.saga_id }),
    );
    expect(violations).toContainEqual(
      expect.objectContaining({
        invariant: 'I5',
        sagaId: ghost!.saga_id,
        what: expect.stringContaining('ghost') as string,
      }),
    );
  });
});
