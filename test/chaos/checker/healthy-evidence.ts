import type { LogRecord } from '../world/kafka-log.js';
import type { ServiceName } from '../world/replica.js';
import type { AuditEntry, Evidence, FenceRecord, TaskRow } from './evidence.js';

type Change = readonly [service: ServiceName, operation: AuditEntry['operation'], table: string, row: object];
type Told = readonly [service: ServiceName, step: string, outcome: string];

export const completed = '00000000-0000-4000-8000-000000000001';
export const undone = '00000000-0000-4000-8000-000000000002';

const done: readonly Told[] = [
  ['task', 'createTask', 'done'],
  ['assignment', 'assignUser', 'done'],
  ['notification', 'sendNotification', 'done'],
  ['notification', 'scheduleReminder', 'done'],
];
const closedBackwards: readonly Told[] = [
  ['task', 'createTask', 'done'],
  ['assignment', 'assignUser', 'done'],
  ['notification', 'sendNotification', 'rejected'],
  ['assignment', 'assignUser', 'compensated'],
  ['task', 'createTask', 'compensated'],
];

/** A completed saga and one that was closed backwards, as the stores hold them when nothing went wrong. */
export function healthyEvidence(): Evidence {
  const tasks = [
    taskOf(completed, 'ann', { status: 'assigned' }),
    taskOf(undone, 'undeliverable', { status: 'assignment_failed', failed_step: 'sendNotification' }),
  ];
  const events: readonly (readonly [string, Told])[] = [
    ...done.map((told) => [completed, told] as const),
    ...closedBackwards.map((told) => [undone, told] as const),
  ];
  return {
    acknowledged: tasks.map((task) => ({
      key: task.title,
      user: task.assignee_id,
      sagaId: task.saga_id,
      taskId: task.id,
    })),
    places: [
      { user: 'ann', capacity: 1, reachable: true },
      { user: 'undeliverable', capacity: 3, reachable: false },
    ],
    mayGiveUp: new Set(),
    tasks,
    assignments: [{ saga_id: completed, user_id: 'ann' }],
    fences: [...rowsOf(completed, ['done', 'done', 'done', 'done']), ...rowsOf(undone, closedStatuses)],
    audit: auditOf([
      ...effects(completed, tasks[0]!),
      ...undoing(undone, tasks[1]!),
      ...rowsOf(completed, ['done', 'done', 'done', 'done']).map(rowMade),
      ...rowsOf(undone, closedStatuses).map(rowMade),
      ...events.map(([sagaId, [service, step, outcome]]): Change => [
        service,
        'INSERT',
        'saga_outbox',
        { event: { sagaId, step, outcome } },
      ]),
    ]),
    outbox: [],
    kept: [],
    leftovers: [],
    instances: [
      { saga_id: completed, status: 'completed', inconsistencies: [] },
      { saga_id: undone, status: 'aborted', inconsistencies: [] },
    ],
    trackedIds: new Set(events.map(([sagaId, [, step, outcome]]) => `${sagaId}:${step}:${outcome}`)),
    log: [...recordsOf(completed, done, 0), ...recordsOf(undone, closedBackwards, 1)],
    failures: [],
    letters: [],
    poison: new Map(),
    lags: [],
    mails: [{ messageId: '<1@example.com>', text: `Task task-of-${completed} has been assigned to you` }],
    openTransactions: [],
  };
}

const steps = ['createTask', 'assignUser', 'sendNotification', 'scheduleReminder'] as const;
const owners: readonly ServiceName[] = ['task', 'assignment', 'notification', 'notification'];
const closedStatuses = ['compensated', 'compensated', 'rejected', 'cancelled'] as const;

function taskOf(sagaId: string, user: string, differing: Partial<TaskRow>): TaskRow {
  return {
    id: `task-of-${sagaId}`,
    saga_id: sagaId,
    title: `key-of-${sagaId}`,
    assignee_id: user,
    status: '',
    failed_step: null,
    failure_reason: null,
    ...differing,
  };
}

function effects(sagaId: string, task: TaskRow): readonly Change[] {
  const row = { saga_id: sagaId };
  return [
    ['task', 'INSERT', 'task', { ...task, status: 'pending_assignment' }],
    ['assignment', 'INSERT', 'assignment', row],
    ['notification', 'INSERT', 'notification', { ...row, status: 'sent' }],
    ['notification', 'INSERT', 'reminder', row],
    ['task', 'UPDATE', 'task', task],
  ];
}

function undoing(sagaId: string, task: TaskRow): readonly Change[] {
  const row = { saga_id: sagaId };
  return [
    ['task', 'INSERT', 'task', { ...task, status: 'pending_assignment' }],
    ['assignment', 'INSERT', 'assignment', row],
    ['notification', 'INSERT', 'notification', { ...row, status: 'refused' }],
    ['assignment', 'DELETE', 'assignment', row],
    ['task', 'UPDATE', 'task', task],
  ];
}

function rowsOf(sagaId: string, statuses: readonly string[]): readonly FenceRecord[] {
  return steps.map((step, place) => ({
    service: owners[place]!,
    saga_id: sagaId,
    step,
    status: statuses[place]!,
    predecessors_done: place > 0 && statuses[place - 1] !== 'cancelled' ? [steps[place - 1]!] : null,
    successors_closed: null,
    version: 1,
    due: false,
    last_error: null,
  }));
}

function rowMade({ service, saga_id, step, status }: FenceRecord): Change {
  return [service, 'INSERT', 'saga_step', { saga_id, step, status, version: 1 }];
}

function auditOf(changes: readonly Change[]): readonly AuditEntry[] {
  return changes.map(([service, operation, table, row], seq) => ({
    service,
    seq,
    at: seq * 1_000,
    table,
    operation,
    before: operation === 'INSERT' ? null : { ...row },
    after: operation === 'DELETE' ? null : { ...row },
  }));
}

function recordsOf(sagaId: string, told: readonly Told[], partition: number): readonly LogRecord[] {
  return told.map(([, step, outcome], offset) => ({
    topic: 'saga.task-assignment',
    partition,
    offset,
    key: sagaId,
    headers: {
      ce_id: `${sagaId}:${step}:${outcome}`,
      ce_sagaid: sagaId,
      ce_sagastep: step,
      ce_sagaoutcome: outcome,
      ...(offset > 0 && { ce_causationid: `${sagaId}:${told[offset - 1]![1]}:${told[offset - 1]![2]}` }),
    },
    value: '{}',
  }));
}
