import { query } from '../../e2e/rows.js';
import { asAdmin } from '../world/kafka-log.js';
import { poisonHeader } from '../world/poison.js';
import { services, type ServiceName } from '../world/replica.js';
import type { World } from '../world/world.js';
import type { Acknowledged, AuditEntry, Evidence, FenceRecord, Instance, Lag, Places, TaskRow } from './evidence.js';

/** What the clients of a run know, and what its faults allow. */
export interface History {
  readonly acknowledged: readonly Acknowledged[];
  readonly places: readonly Places[];
  readonly mayGiveUp: ReadonlySet<string>;
}

/** Reads the durable stores once. */
export async function collect(world: World, history: History): Promise<Evidence> {
  const { task, assignment } = world.databases;
  const ofAll = async <Row extends object>(sql: string): Promise<(Row & { service: ServiceName })[]> => {
    const rows = services.map(async (service) =>
      (await query<Row>(world.databases[service], sql)).map((row) => ({ ...row, service })),
    );
    return (await Promise.all(rows)).flat();
  };
  const tracked = await query<{ message_id: string }>(task, 'SELECT message_id FROM saga_event');
  return {
    ...history,
    tasks: await query<TaskRow>(task, 'SELECT * FROM task ORDER BY created_at, id'),
    assignments: await query(assignment, 'SELECT saga_id, user_id FROM assignment'),
    fences: await ofAll<FenceRecord>(
      'SELECT saga_id, step, status, predecessors_done, successors_closed, version, next_attempt_at IS NOT NULL AS due, last_error FROM saga_step',
    ),
    audit: await ofAll<AuditEntry>(
      `SELECT seq::integer, (extract(epoch FROM at) * 1e6)::float8 AS at, "table", operation, before, after FROM chaos_audit ORDER BY seq`,
    ),
    outbox: await ofAll(`SELECT id, ${messageId('event')} AS "messageId" FROM saga_outbox`),
    kept: await ofAll(
      `SELECT kind, saga_id, step, audience, reason, record->'headers'->>'${poisonHeader}' AS poison, settled_at IS NULL AS open
       FROM saga_dead_letter`,
    ),
    leftovers: await ofAll(
      ['saga_timer', 'saga_lock', 'saga_lock_wait']
        .map((table) => `SELECT '${table}' AS "table", saga_id FROM ${table}`)
        .join(' UNION ALL '),
    ),
    instances: await query<Instance>(task, 'SELECT saga_id, status, inconsistencies FROM saga_instance'),
    trackedIds: new Set(tracked.map((row) => row.message_id)),
    log: await world.log.read(),
    failures: await world.failures.read(),
    letters: await world.deadLetters.read(),
    poison: world.poison,
    lags: await lagsOf(world),
    mails: world.servers.mail.mails,
    openTransactions: await openTransactions(world),
  };
}

function messageId(event: string): string {
  return `(${event}->>'sagaId') || ':' || (${event}->>'step') || ':' || (${event}->>'outcome')`;
}

/** How far each of our groups is behind the end of each partition that it reads. */
export async function lagsOf(world: World): Promise<readonly Lag[]> {
  return asAdmin(world.client, async (admin) => {
    const { groups } = await admin.listGroups();
    const ours = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(world.prefix));
    const ends = new Map<string, number>();
    for (const { partition, high } of await admin.fetchTopicOffsets(world.topic)) {
      ends.set(`${world.topic}/${partition}`, Number(high));
    }
    const lags: Lag[] = [];
    for (const group of ours) {
      const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [world.topic] });
      for (const { partition, offset } of offsets?.partitions ?? []) {
        const place = `${world.topic}/${partition}`;
        const behind = (ends.get(place) ?? 0) - Math.max(0, Number(offset));
        if (behind !== 0) lags.push({ group, place, behind });
      }
    }
    return lags;
  });
}

/** Of each service to its database. */
export async function connectionsOf(world: World): Promise<ReadonlyMap<ServiceName, number>> {
  const counts = services.map(async (service) => {
    const others = `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    const [row] = await query<{ count: number }>(world.databases[service], others);
    return [service, row!.count] as const;
  });
  return new Map(await Promise.all(counts));
}

async function openTransactions(world: World): Promise<readonly string[]> {
  const open = await Promise.all(
    services.map((service) =>
      query<{ query: string }>(
        world.databases[service],
        `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
           AND state_change < clock_timestamp() - interval '2 seconds'`,
      ),
    ),
  );
  return open.flat().map((row) => row.query);
}
