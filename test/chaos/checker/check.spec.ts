import { poisonHeader } from '../world/poison.js';
import { check } from './check.js';
import type { LogRecord } from '../world/kafka-log.js';
import type { AuditEntry, Evidence } from './evidence.js';
import { completed, healthyEvidence, undone } from './healthy-evidence.js';

/** What the checker says of evidence that differs from a healthy one. */
function said(differing: (healthy: Evidence) => Partial<Evidence>): readonly string[] {
  const healthy = healthyEvidence();
  const violations = check({ ...healthy, ...differing(healthy) });
  return violations.map(({ invariant, harm, sagaId, what }) => `${invariant} ${harm} ${sagaId ?? '-'} ${what}`);
}

function without<T>(list: readonly T[], gone: (member: T) => boolean): readonly T[] {
  const left = list.filter((member) => !gone(member));
  expect(left).toHaveLength(list.length - 1);
  return left;
}

function twice(audit: readonly AuditEntry[], table: string, operation: AuditEntry['operation']): readonly AuditEntry[] {
  const entry = audit.find((one) => one.table === table && one.operation === operation)!;
  return [...audit, entry];
}

describe('the checker of the chaos runs', () => {
  test('finds nothing in healthy stores', () => {
    expect(said(() => ({}))).toEqual([]);
  });

  test('names a saga that was acknowledged and is gone', () => {
    expect(said(({ tasks }) => ({ tasks: without(tasks, (task) => task.saga_id === completed) }))).toContain(
      `I1 lost ${completed} acknowledged, but no task`,
    );
  });

  test('names a saga that goes no further', () => {
    const stuck = said(({ tasks, fences }) => ({
      tasks: tasks.map((task) => (task.saga_id === completed ? { ...task, status: 'pending_assignment' } : task)),
      fences: fences.map((row) =>
        row.saga_id === completed && row.step === 'sendNotification'
          ? { ...row, status: 'running', due: true, last_error: 'no answer' }
          : row,
      ),
    }));
    expect(stuck).toContain(`I1 stuck ${completed} task pending_assignment; sendNotification running (no answer)`);
  });

  test('names a row that is left to be attempted in a saga that has ended', () => {
    const due = said(({ fences }) => ({
      fences: fences.map((row, index) => (index === 3 ? { ...row, due: true } : row)),
    }));
    expect(due).toEqual([`I1 stuck ${completed} completed, but scheduleReminder done`]);
  });

  test.each([
    ['task', 'INSERT', 'task created', completed],
    ['assignment', 'INSERT', 'user assigned', completed],
    ['assignment', 'DELETE', 'user unassigned', undone],
    ['reminder', 'INSERT', 'reminder scheduled', completed],
    ['notification', 'INSERT', 'notification logged as sent', completed],
  ] as const)('names a second %s of %s', (table, operation, effect, sagaId) => {
    const doubled = said(({ audit }) => ({ audit: twice(audit, table, operation) }));
    expect(doubled).toContainEqual(expect.stringContaining(`I2 doubled ${sagaId} ${effect} 2 times`));
  });

  test('tells a second mail with another Message-ID, and lets one with the same pass', () => {
    const mail = { messageId: '<1@example.com>', text: `Task task-of-${completed} has been assigned to you` };
    expect(said(({ mails }) => ({ mails: [...mails, mail] }))).toEqual([]);
    expect(said(({ mails }) => ({ mails: [...mails, { ...mail, messageId: '<2@example.com>' }] }))).toEqual([
      `I2 doubled ${completed} mail sent 2 times (completed)`,
    ]);
  });

  test('names an effect that never happened, and one that must not have', () => {
    expect(said(() => ({ mails: [] }))).toEqual([`I2 lost ${completed} mail sent: never happened (completed)`]);
    const undelivered = [{ messageId: '<3@example.com>', text: `Task task-of-${undone} has been assigned to you` }];
    expect(said(({ mails }) => ({ mails: [...mails, ...undelivered] }))).toEqual([
      `I2 wrong ${undone} mail sent, which must not be (refused by sendNotification)`,
    ]);
  });

  test('names two sagas of one key, and two outcomes of one step', () => {
    const other = said(({ acknowledged }) => ({
      acknowledged: [...acknowledged, { ...acknowledged[0]!, sagaId: undone }],
    }));
    expect(other).toContain(`I2 doubled - key key-of-${completed} started ${completed} and ${undone}`);
    expect(said(({ audit }) => ({ audit: twice(audit, 'saga_outbox', 'INSERT') }))).toContain(
      `I2 doubled ${completed} ${completed}:createTask:done was committed 2 times`,
    );
  });

  test('names an undo in the wrong order', () => {
    const early = said(({ audit }) => ({
      audit: audit.map((entry) =>
        entry.operation === 'UPDATE' && entry.after?.['saga_id'] === undone ? { ...entry, at: -1 } : entry,
      ),
    }));
    expect(early).toContain(`I3 wrong ${undone} undone in the wrong order: task marked failed before user unassigned`);
  });

  test('names an event that never came to Kafka, one that waits, and a ghost', () => {
    const id = `${completed}:assignUser:done`;
    const gone = ({ log }: Evidence): Evidence['log'] => without(log, ({ headers }) => headers['ce_id'] === id);
    expect(said((all) => ({ log: gone(all) }))).toEqual([
      `I4 lost ${completed} ${id} was committed and is not in Kafka`,
    ]);
    const waiting = said((all) => ({ log: gone(all), outbox: [{ service: 'assignment', id: '1', messageId: id }] }));
    expect(waiting).toEqual([`I4 stuck ${completed} ${id} is still in the outbox of assignment`]);
    const ghost = said(({ audit }) => ({
      audit: without(audit, ({ after }) =>
        JSON.stringify(after?.['event'] ?? '').includes(`"${completed}","step":"assignUser"`),
      ),
    }));
    expect(ghost).toEqual([`I5 wrong ${completed} ghost: ${id} is in Kafka and was never committed`]);
  });

  test('looks for the events of dead letters on their own topic, too', () => {
    const id = `${undone}:assignUser:compensated`;
    const isIt = ({ headers }: LogRecord): boolean => headers['ce_id'] === id;
    const moved = ({ log }: Evidence): Partial<Evidence> => ({
      log: without(log, isIt),
      failures: log.filter(isIt).map((record) => ({ ...record, topic: 'failures' })),
    });
    expect(said(moved)).toEqual([]);
    expect(said((all) => ({ ...moved(all), failures: [] }))).toEqual([
      `I4 lost ${undone} ${id} was committed and is not in Kafka`,
    ]);
    const ghost = `${undone}:createTask:deadLettered`;
    const haunted = said(({ log }) => ({ failures: [{ ...log[0]!, headers: { ce_id: ghost } }] }));
    expect(haunted).toEqual([
      `I5 wrong ${undone} ghost: ${ghost} is in Kafka and was never committed`,
      `I10 lost - the tracker has not heard of ${ghost}`,
    ]);
  });

  test('names an event that comes before its cause, but not one that comes again', () => {
    const offset =
      (id: string, to: number) =>
      (evidence: Evidence): Partial<Evidence> => ({
        log: evidence.log
          .map((record) => (record.headers['ce_id'] === id ? { ...record, offset: to } : record))
          .toSorted((one, other) => one.offset - other.offset),
      });
    expect(said(offset(`${completed}:assignUser:done`, -1))).toEqual([
      `I5 wrong ${completed} ${completed}:assignUser:done comes before its cause ${completed}:createTask:done`,
    ]);
    expect(said(({ log }) => ({ log: [...log, { ...log[0]!, offset: 99 }] }))).toEqual([]);
  });

  test('names an effect without its fence row, and an event that nobody took', () => {
    const rowGone = said(({ fences, audit }) => ({
      fences: without(fences, (row) => row.saga_id === completed && row.step === 'assignUser'),
      audit,
    }));
    expect(rowGone).toContain(`I6 wrong ${completed} user assigned, but the row of assignUser is missing`);
    expect(rowGone).toContain(`I6 lost ${completed} assignUser has not heard that createTask is done`);
  });

  test('names a timer that is left, and a transaction that stays open', () => {
    expect(said(() => ({ leftovers: [{ service: 'task', table: 'saga_timer', saga_id: completed }] }))).toEqual([
      `I7 wrong ${completed} a row of saga_timer is left in task`,
    ]);
    expect(said(() => ({ openTransactions: ['SELECT 1'] }))).toEqual([
      'I7 stuck - a transaction stays open after: SELECT 1',
    ]);
  });

  test('names a user with too many tasks, and one whose place stays free', () => {
    const second = { saga_id: undone, user_id: 'ann' };
    expect(said(({ assignments }) => ({ assignments: [...assignments, second] }))).toEqual([
      'I8 doubled - ann has 2 tasks and 1 places',
    ]);
    expect(said(() => ({ assignments: [] }))).toEqual(['I8 wrong - ann has 0 tasks where 1 are to be (1 asked for)']);
    expect(said(() => ({ assignments: [], mayGiveUp: new Set(['ann']) }))).toEqual([]);
  });

  test('names a group that is behind', () => {
    expect(said(() => ({ lags: [{ group: 'task', place: 'saga/0', behind: 3 }] }))).toEqual([
      'I9 stuck - task is 3 behind in saga/0',
    ]);
  });

  test('names a row that skips a version, leaves its tombstone, or is not what its history says', () => {
    const row = { saga_id: undone, step: 'assignUser' };
    const moved =
      (before: object, after: object) =>
      ({ audit }: Evidence): Partial<Evidence> => ({
        audit: [
          ...audit,
          {
            ...audit[0]!,
            service: 'assignment',
            table: 'saga_step',
            operation: 'UPDATE',
            before: { ...row, ...before },
            after: { ...row, ...after },
          },
        ],
      });
    expect(said(moved({ status: 'compensated', version: 1 }, { status: 'done', version: 3 }))).toEqual([
      `I10 wrong ${undone} the row of assignUser went from version 1 to 3`,
      `I10 wrong ${undone} the row of assignUser went from compensated to done`,
      `I10 wrong ${undone} the row of assignUser is at version 1, its history ends at 3`,
    ]);
  });

  test('names what the tracker missed or tells otherwise', () => {
    const id = `${completed}:scheduleReminder:done`;
    expect(said(({ trackedIds }) => ({ trackedIds: new Set(without([...trackedIds], (one) => one === id)) }))).toEqual([
      `I10 lost - the tracker has not heard of ${id}`,
    ]);
    expect(said(({ instances }) => ({ instances: without(instances, (one) => one.saga_id === undone) }))).toEqual([
      `I10 wrong ${undone} refused by sendNotification, but the tracker says unknown `,
    ]);
  });

  test('names poison that is not kept by all who cannot take it, or twice, and a letter that is no poison', () => {
    const told = (headers: object, service: string) => ({
      ...healthyEvidence().log[0]!,
      value: JSON.stringify({ headers, service, audience: 'steps', reason: 'no JSON' }),
    });
    const stored = {
      service: 'assignment',
      kind: 'record',
      saga_id: null,
      step: null,
      audience: 'steps',
      reason: 'no JSON',
      open: true,
    } as const;
    const poison = new Map([['p', 'wrong data' as const]]);
    const good = { poison, letters: [told({ [poisonHeader]: 'p' }, 'assignment')], kept: [{ ...stored, poison: 'p' }] };
    expect(said(() => good)).toEqual([]);
    expect(said(() => ({ ...good, letters: [...good.letters, ...good.letters] }))).toEqual([]);
    expect(said(() => ({ ...good, letters: [] }))).toEqual([
      'I11 lost - poison p (wrong data) is kept on the topic by [] where [assignment/steps] are to',
    ]);
    expect(said(() => ({ ...good, kept: [...good.kept, ...good.kept] }))).toEqual([
      'I11 wrong - poison p (wrong data) is kept in the stores by [assignment/steps, assignment/steps] where [assignment/steps] are to',
    ]);
    expect(said(() => ({ letters: [told({ ce_sagaid: completed }, 'task')] }))).toEqual([
      `I11 wrong ${completed} a dead letter on the topic is no poison of ours: no JSON`,
    ]);
    expect(said(() => ({ kept: [{ ...stored, saga_id: completed, poison: null }] }))).toEqual([
      `I11 wrong ${completed} a dead letter in a store is no poison of ours: no JSON`,
    ]);
  });

  test('lets a saga rest that waits for a person, and names one whose letter nobody has', () => {
    const waits = ({ tasks, fences }: Evidence): Partial<Evidence> => ({
      tasks: tasks.map((task) => (task.saga_id === undone ? { ...task, status: 'pending_assignment' } : task)),
      fences: fences.map((row) =>
        row.saga_id === undone && row.step === 'assignUser' ? { ...row, status: 'deadLettered' } : row,
      ),
    });
    const letter = {
      service: 'assignment',
      kind: 'compensation',
      saga_id: undone,
      step: 'assignUser',
      audience: null,
    } as const;
    const kept = [{ ...letter, reason: 'no way', poison: null, open: true }];
    const parked = said((healthy) => ({ ...waits(healthy), kept }));
    expect(parked.filter((line) => line.includes('stuck'))).toEqual([]);
    expect(said(waits)).toContain(`I1 stuck ${undone} task pending_assignment; assignUser deadLettered`);
  });
});
