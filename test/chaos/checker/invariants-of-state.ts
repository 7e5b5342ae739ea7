import { grouped } from './grouped.js';
import type { AuditEntry } from './evidence.js';
import type { Invariant, Violation } from './invariant.js';
import { poisonHeader } from '../world/poison.js';

type Found = Omit<Violation, 'invariant'>;

const unfinished = ['running', 'compensating', 'deadLettered'];
const tombstones = ['rejected', 'cancelled', 'compensated'];

const settled: Invariant = {
  name: 'I1',
  says: 'every saga is settled, or parked with a dead letter; none that was acknowledged is gone',
  check: ({ kept }, stories) => {
    const parked = new Set(kept.filter(({ open }) => open).map((letter) => `${letter.saga_id}:${letter.step}`));
    return stories.flatMap(({ sagaId, request, task, ending, fences }): readonly Found[] => {
      if (!task)
        return [{ harm: 'lost', sagaId, what: `${request ? 'acknowledged, but' : 'there are rows, but'} no task` }];
      const open = fences.filter(
        ({ step, status, due }) => !parked.has(`${sagaId}:${step}`) && (due || unfinished.includes(status)),
      );
      const rows = open.map(({ step, status, last_error: error }) => `${step} ${status}${error ? ` (${error})` : ''}`);
      if (ending === 'open')
        return [{ harm: 'stuck', sagaId, what: `task ${task.status}; ${rows.join(', ') || 'no row is open'}` }];
      return rows.map((row): Found => ({ harm: 'stuck', sagaId, what: `${ending}, but ${row}` }));
    });
  },
};

const noLeftovers: Invariant = {
  name: 'I7',
  says: 'settled sagas have no timers and no locks, and nothing holds a transaction open',
  check: ({ leftovers, openTransactions }, stories) => {
    const over = new Set(
      stories.filter(({ ending }) => ending !== 'open' && ending !== 'parked').map((one) => one.sagaId),
    );
    return [
      ...leftovers
        .filter(({ saga_id }) => over.has(saga_id))
        .map(({ service, table, saga_id: sagaId }): Found => ({
          harm: 'wrong',
          sagaId,
          what: `a row of ${table} is left in ${service}`,
        })),
      ...openTransactions.map((query): Found => ({ harm: 'stuck', what: `a transaction stays open after: ${query}` })),
    ];
  },
};

const consumed: Invariant = {
  name: 'I9',
  says: 'every group has committed the end of every partition',
  check: ({ lags }) =>
    lags.map(({ group, place, behind }): Found => ({
      harm: 'stuck',
      what: `${group} is ${behind} behind in ${place}`,
    })),
};

const rowsMoveOn: Invariant = {
  name: 'I10',
  says: 'a fence row moves by one version at a time, never leaves a tombstone, and is never removed',
  check: ({ audit, fences }) => {
    const changes = grouped(
      audit.filter(({ table }) => table === 'saga_step'),
      (entry) => keyOf(entry.service, entry.after ?? entry.before!),
    );
    return fences.flatMap((fence) => {
      const sagaId = fence.saga_id;
      const history = changes.get(keyOf(fence.service, { ...fence })) ?? [];
      const last = history.at(-1)?.after?.['version'];
      const wrong = history.flatMap(wrongStep);
      if (last !== fence.version) wrong.push(`is at version ${fence.version}, its history ends at ${String(last)}`);
      return wrong.map((what): Found => ({ harm: 'wrong', sagaId, what: `the row of ${fence.step} ${what}` }));
    });
  },
};

function keyOf(service: string, row: Readonly<Record<string, unknown>>): string {
  return `${service}:${String(row['saga_id'])}:${String(row['step'])}`;
}

function wrongStep({ before, after }: AuditEntry): string[] {
  if (!after) return ['was removed'];
  const expected = before ? Number(before['version']) + 1 : 1;
  const wrong = [];
  if (after['version'] !== expected) wrong.push(`went from version ${expected - 1} to ${String(after['version'])}`);
  const from = String(before?.['status']);
  if (tombstones.includes(from) && after['status'] !== from)
    wrong.push(`went from ${from} to ${String(after['status'])}`);
  return wrong;
}

const told: Invariant = {
  name: 'I10',
  says: 'the tracker has every event once, and tells the state that the services are in',
  check: ({ instances, trackedIds, log, failures }, stories) => {
    const byId = new Map(instances.map((instance) => [instance.saga_id, instance]));
    const untold = new Set(
      [...log, ...failures]
        .filter(({ headers }) => !(poisonHeader in headers))
        .map(({ headers }) => headers['ce_id']!)
        .filter((id) => !trackedIds.has(id)),
    );
    return [
      ...[...untold].map((id): Found => ({ harm: 'lost', what: `the tracker has not heard of ${id}` })),
      ...stories.flatMap(({ sagaId, ending }): readonly Found[] => {
        if (ending === 'open' || ending === 'parked') return [];
        const { status, inconsistencies } = byId.get(sagaId) ?? { status: 'unknown', inconsistencies: [] };
        const expected = ending === 'completed' ? 'completed' : 'aborted';
        if (status === expected && inconsistencies.length === 0) return [];
        return [{ harm: 'wrong', sagaId, what: `${ending}, but the tracker says ${status} ${inconsistencies.join()}` }];
      }),
    ];
  },
};

export const invariantsOfState: readonly Invariant[] = [settled, noLeftovers, consumed, rowsMoveOn, told];
