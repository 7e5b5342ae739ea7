import type { AuditEntry, AuditLog } from '../../ports/audit-log.js';
import type { Clock } from '../../ports/clock.js';
import type {
  DeadLetter,
  DeadLetters,
  LetterFilter,
  LetterKind,
  LetterSettlement,
  NewDeadLetter,
} from '../../ports/dead-letters.js';
import { FenceConflict, type Changes } from '../../ports/step-store.js';

/** Dead letters and the words of operators, in memory. */
export class MemoryOperations {
  private readonly letters = new Map<string, DeadLetter>();
  private readonly entries: AuditEntry[] = [];

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** @throws FenceConflict when a word was written before */
  check({ audited = [] }: Changes): void {
    const known = new Set(this.entries.map(({ id }) => id));
    if (audited.some(({ id }) => known.has(id))) throw new FenceConflict();
  }

  commit({ letters = [], settlements = [], audited = [] }: Changes): void {
    for (const settlement of settlements) this.settle(settlement);
    this.put(letters);
    for (const entry of JSON.parse(JSON.stringify(audited)) as typeof audited)
      this.entries.push({ ...entry, at: this.clock.now() });
  }

  readonly deadLetters: DeadLetters = {
    put: async (letters) => this.put(letters),
    find: async (id) => {
      const letter = this.letters.get(id);
      return letter && copied(letter);
    },
    list: async (filter) => this.list(filter).map(copied),
    settle: async (settlement) => this.settle(settlement),
    backlog: async () => {
      const open = [...this.letters.values()].filter(({ settled }) => !settled);
      const sizes: Partial<Record<LetterKind, number>> = {};
      for (const { kind } of open) sizes[kind] = (sizes[kind] ?? 0) + 1;
      return { sizes, ...(open[0] && { oldest: open[0].createdAt }) };
    },
  };

  readonly audit: AuditLog = {
    list: async ({ sagaId, letterId, limit }) =>
      this.entries
        .filter((entry) => (sagaId ?? entry.sagaId) === entry.sagaId && (letterId ?? entry.letterId) === entry.letterId)
        .toReversed()
        .slice(0, limit)
        .map((entry) => structuredClone(entry)),
  };

  /** Whether a dead letter of the saga waits. */
  waitsFor(sagaId: string): boolean {
    return [...this.letters.values()].some((letter) => letter.sagaId === sagaId && !letter.settled);
  }

  purge(before: Date, limit: number): number {
    const old = [...this.letters.values()].filter(({ settled }) => settled && settled.at < before).slice(0, limit);
    for (const { id } of old) this.letters.delete(id);
    return old.length;
  }

  private put(letters: readonly NewDeadLetter[]): void {
    for (const letter of letters) {
      if (!this.letters.has(letter.id)) this.letters.set(letter.id, { ...stored(letter), createdAt: this.clock.now() });
    }
  }

  private list({
    state,
    kind,
    sagaId,
    sagaType,
    sagaVersion,
    takenBy,
    after,
    limit,
  }: LetterFilter): readonly DeadLetter[] {
    const all = [...this.letters.values()];
    const rest = after === undefined ? all : all.slice(all.findIndex(({ id }) => id === after) + 1);
    return rest
      .filter(
        (letter) =>
          (state === undefined || (state === 'open') === (letter.settled === undefined)) &&
          (kind ?? letter.kind) === letter.kind &&
          (sagaId ?? letter.sagaId) === letter.sagaId &&
          (sagaType ?? letter.sagaType) === letter.sagaType &&
          (sagaVersion ?? letter.sagaVersion) === letter.sagaVersion &&
          (takenBy === undefined || mayTake(takenBy, letter)),
      )
      .slice(0, limit);
  }

  private settle({ which, as, by }: LetterSettlement): number {
    const named = [...this.letters.values()].filter(
      (letter) => !letter.settled && ('id' in which ? letter.id === which.id : isOfStep(letter, which)),
    );
    const at = this.clock.now();
    for (const letter of named) this.letters.set(letter.id, { ...letter, settled: { at, as, by } });
    return named.length;
  }
}

function mayTake({ graphs, steps }: NonNullable<LetterFilter['takenBy']>, { graph, wanted = [] }: DeadLetter): boolean {
  return (graph === undefined || graphs.includes(graph)) && wanted.every((step) => steps.includes(step));
}

function isOfStep(letter: DeadLetter, { sagaId, step }: { readonly sagaId: string; readonly step: string }): boolean {
  const waitsForStep = letter.kind === 'compensation' || letter.kind === 'undecided';
  return waitsForStep && letter.sagaId === sagaId && letter.step === step;
}

/** As a database keeps it: a copy, without classes; the record's value is in its bytes. */
function stored(letter: NewDeadLetter): NewDeadLetter {
  const { record, ...rest } = letter;
  const plain = JSON.parse(JSON.stringify(rest)) as NewDeadLetter;
  if (!record) return plain;
  const { headers, key, value, malformed, origin } = record;
  const kept = { headers, key, value, origin, ...(malformed !== undefined && { malformed }) };
  return { ...plain, record: { ...structuredClone(kept), raw: Buffer.from(record.raw) } };
}

function copied(letter: DeadLetter): DeadLetter {
  const { record, ...rest } = letter;
  return { ...structuredClone(rest), ...(record && { record: { ...record, raw: Buffer.from(record.raw) } }) };
}
