import { grouped } from './grouped.js';
import { buriedBy, isGenuine, poisonHeader } from '../world/poison.js';
import type { LogRecord } from '../world/kafka-log.js';
import type { AuditEntry, Evidence, KeptLetter } from './evidence.js';
import type { Invariant, Violation } from './invariant.js';

type Found = Omit<Violation, 'invariant'>;

/** The steps in their order, each after the one before. */
const chain = ['createTask', 'assignUser', 'sendNotification', 'scheduleReminder'] as const;
const closed = ['rejected', 'cancelled', 'compensated'];

/** Message ids of all events that were ever staged, each as often as it was. */
function stagedIds({ audit }: Evidence): readonly string[] {
  return audit.filter(({ table }) => table === 'saga_outbox').map(({ after }) => messageIdOf(after));
}

function messageIdOf(after: AuditEntry['after']): string {
  const { sagaId, step, outcome } = after!['event'] as Record<string, string>;
  return `${sagaId}:${step}:${outcome}`;
}

function sagaOf(id: string): string {
  return id.split(':')[0]!;
}

/** Each event where it was first, in the order of its partition. */
function firsts(log: readonly LogRecord[]): ReadonlyMap<string, LogRecord> {
  const first = new Map<string, LogRecord>();
  for (const record of log) {
    const id = record.headers['ce_id'];
    if (id !== undefined && isGenuine(record) && !first.has(id)) first.set(id, record);
  }
  return first;
}

const published: Invariant = {
  name: 'I4',
  says: 'the outboxes are empty, and every event ever committed is in the log of Kafka',
  check: (evidence) => {
    const log = firsts([...evidence.log, ...evidence.failures]);
    const left = new Set(evidence.outbox.map(({ messageId }) => messageId));
    return [
      ...evidence.outbox.map(({ service, messageId }): Found => ({
        harm: 'stuck',
        sagaId: sagaOf(messageId),
        what: `${messageId} is still in the outbox of ${service}`,
      })),
      ...[...new Set(stagedIds(evidence))]
        .filter((id) => !log.has(id) && !left.has(id))
        .map((id): Found => ({ harm: 'lost', sagaId: sagaOf(id), what: `${id} was committed and is not in Kafka` })),
    ];
  },
};

const stagedOnce: Invariant = {
  name: 'I2',
  says: 'no outcome of a step was committed twice',
  check: (evidence) =>
    [...grouped(stagedIds(evidence), (id) => id)]
      .filter(([, times]) => times.length > 1)
      .map(([id, times]) => ({
        harm: 'doubled',
        sagaId: sagaOf(id),
        what: `${id} was committed ${times.length} times`,
      })),
};

const noGhosts: Invariant = {
  name: 'I5',
  says: 'nothing is in Kafka that was never committed, and each event comes after the one that caused it',
  check: (evidence) => {
    const staged = new Set(stagedIds(evidence));
    const log = firsts([...evidence.log, ...evidence.failures]);
    return [...log].flatMap(([id, record]): readonly Found[] => {
      const sagaId = sagaOf(id);
      if (!staged.has(id)) return [{ harm: 'wrong', sagaId, what: `ghost: ${id} is in Kafka and was never committed` }];
      const cause = log.get(record.headers['ce_causationid'] ?? '');
      if (cause?.topic !== record.topic || cause.partition !== record.partition || cause.offset < record.offset)
        return [];
      return [{ harm: 'wrong', sagaId, what: `${id} comes before its cause ${cause.headers['ce_id']}` }];
    });
  },
};

/** What is in the log has left its trace in the row of the step that it concerns: handled once, however often it came. */
const accounted: Invariant = {
  name: 'I6',
  says: 'every event in Kafka was taken by the step that it concerns',
  check: ({ log, fences }) => {
    const rows = new Map(fences.map((fence) => [`${fence.saga_id}:${fence.step}`, fence]));
    return [...firsts(log).values()].flatMap(({ headers }): readonly Found[] => {
      const { ce_sagaid: sagaId, ce_sagastep: step, ce_sagaoutcome: outcome } = headers;
      const place = chain.findIndex((name) => name === step);
      const done = outcome === 'done';
      const neighbor = chain[done ? place + 1 : place - 1];
      if (neighbor === undefined || place < 0 || !(done || closed.includes(outcome!))) return [];
      const row = rows.get(`${sagaId}:${neighbor}`);
      const heard = (done ? row?.predecessors_done : row?.successors_closed)?.includes(step!);
      if (heard || closed.includes(row?.status ?? '')) return []; // a tombstone notes nothing any more
      return [{ harm: 'lost', sagaId: sagaId!, what: `${neighbor} has not heard that ${step} is ${outcome}` }];
    });
  },
};

/** Letters that hold poison, as `service/audience` by its name; the others are told. */
function poisonIn(letters: readonly KeptRecord[], where: string): { by: Map<string, string[]>; found: Found[] } {
  const by = new Map<string, string[]>();
  const found: Found[] = [];
  for (const { poison, service, audience, sagaId, reason } of letters) {
    if (poison !== undefined) by.set(poison, [...(by.get(poison) ?? []), `${service}/${audience}`]);
    else
      found.push({
        harm: 'wrong',
        ...(sagaId && { sagaId }),
        what: `a dead letter ${where} is no poison of ours: ${reason}`,
      });
  }
  return { by, found };
}

function misplaced(
  poison: Evidence['poison'],
  by: ReadonlyMap<string, readonly string[]>,
  where: string,
): readonly Found[] {
  return [...poison].flatMap(([name, kind]): readonly Found[] => {
    const keepers = (by.get(name) ?? []).toSorted();
    const expected = buriedBy(kind).toSorted();
    if (keepers.join() === expected.join()) return [];
    const what = `poison ${name} (${kind}) is kept ${where} by [${keepers.join(', ')}] where [${expected.join(', ')}] are to`;
    return [{ harm: keepers.length < expected.length ? 'lost' : 'wrong', what }];
  });
}

/** On the topic a letter may come twice, after a crash; in the stores it may not. */
const poisonBuried: Invariant = {
  name: 'I11',
  says: 'the dead letters, in the stores and on their topic, are the injected poison, exactly',
  check: ({ letters, kept, poison }) => {
    const told = poisonIn(letters.map(recordOnTopic), 'on the topic');
    const stored = poisonIn(
      kept.filter(({ kind }) => kind === 'record' || kind === 'version').map(recordInStore),
      'in a store',
    );
    const once = new Map([...told.by].map(([name, by]) => [name, [...new Set(by)]]));
    const parked = new Map([...poison].filter(([, kind]) => kind !== 'unknown version'));
    return [
      ...told.found,
      ...stored.found,
      ...misplaced(parked, once, 'on the topic'),
      ...misplaced(poison, stored.by, 'in the stores'),
    ];
  },
};

interface KeptRecord {
  readonly poison: string | undefined;
  readonly service: string;
  readonly audience: string;
  readonly sagaId: string | undefined;
  readonly reason: string;
}

function recordOnTopic({ value }: LogRecord): KeptRecord {
  const { headers, ...said } = JSON.parse(value) as Omit<KeptRecord, 'poison' | 'sagaId'> & Pick<LogRecord, 'headers'>;
  return { ...said, poison: headers[poisonHeader], sagaId: headers['ce_sagaid'] };
}

function recordInStore({ service, audience, poison, saga_id: sagaId, reason }: KeptLetter): KeptRecord {
  return { service, audience: audience ?? '', reason, poison: poison ?? undefined, sagaId: sagaId ?? undefined };
}

export const invariantsOfEvents: readonly Invariant[] = [published, stagedOnce, noGhosts, accounted, poisonBuried];
