import { OffsetCommits } from '../../../libs/saga/src/adapters/kafka/kafka-commits.js';
import { KafkaPublisher } from '../../../libs/saga/src/adapters/kafka/kafka-publisher.js';
import { TypeOrmOutbox } from '../../../libs/saga/src/adapters/typeorm/typeorm-outbox.js';
import { TypeOrmStore } from '../../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { Externals } from '../../../libs/saga/src/flow/failure/externals.js';
import type { StepTransaction, TransactionOptions } from '../../../libs/saga/src/ports/step-store.js';
import { journal } from './journal.js';
import { failpointFrom, failpointText, type Failpoint, type Point } from './points.js';

type Reach = (point: Point) => Promise<void>;
type Method = (this: unknown, ...given: unknown[]) => Promise<unknown>;

/** Makes the process fail when it comes to the point for the nth time; what does not kill it happens at every nth time. */
export function armFailpoint(text: string | undefined): void {
  if (text === undefined || text === '') return;
  const failpoint = failpointFrom(text);
  let times = 0;
  patchLibrary(async (point) => {
    if (point !== failpoint.point) return;
    times += 1;
    if (times % failpoint.nth === 0) await fail(failpoint);
  });
}

async function fail(failpoint: Failpoint): Promise<void> {
  journal(failpointText(failpoint));
  if (failpoint.action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (failpoint.action === 'throw') throw new Error(`failpoint ${failpointText(failpoint)}`);
  await new Promise((resolve) => failpoint.action === 'delay' && setTimeout(resolve, 1_000));
}

function patchLibrary(reach: Reach): void {
  patchTransactions(reach);
  around(KafkaPublisher.prototype, 'publish', reach, 'relay.beforeSend', 'relay.afterSend');
  around(TypeOrmOutbox.prototype, 'delete', reach, undefined, 'relay.afterDelete');
  around(TypeOrmStore.prototype, 'claimDue', reach, undefined, 'retry.afterClaim');
  around(Externals.prototype, 'record', reach, 'external.afterEffect', undefined);
  around(OffsetCommits.prototype, 'commitWaiting', reach, 'consume.beforeOffset', 'consume.afterOffset');
}

function around(prototype: object, name: string, reach: Reach, before?: Point, after?: Point): void {
  const methods = prototype as Record<string, Method | undefined>;
  const original = methods[name];
  if (original === undefined) throw new Error(`The library has no method "${name}" any more: mend the failpoints.`);
  methods[name] = async function patched(...given) {
    if (before) await reach(before);
    const result = await original.apply(this, given);
    if (after) await reach(after);
    return result;
  };
}

type Transaction = (
  keys: unknown,
  work: (transaction: StepTransaction) => Promise<unknown>,
  options?: TransactionOptions,
) => Promise<unknown>;

/** A transaction is three points in one method, and deletes what was published as it commits. */
function patchTransactions(reach: Reach): void {
  const methods = TypeOrmStore.prototype as unknown as { transaction: Transaction };
  const original: Transaction = methods.transaction;
  methods.transaction = async function patched(this: unknown, keys, work, options) {
    let forgets = false;
    await reach('consume.beforeTx');
    const watching = async (transaction: StepTransaction): Promise<unknown> => {
      const worked = await work(watched(transaction, reach, () => (forgets = true)));
      await reach('consume.beforeCommit');
      return worked;
    };
    const result = await original.call(this, keys, watching, options);
    await reach('consume.afterCommit');
    if (forgets) await reach('relay.afterDelete');
    return result;
  };
}

function watched(transaction: StepTransaction, reach: Reach, forgetting: () => unknown): StepTransaction {
  return {
    rows: transaction.rows,
    get manager() {
      return transaction.manager; // that of the step which is running
    },
    overdue: (timers) => transaction.overdue(timers),
    run: async (method, how) => {
      const result = await transaction.run(method, how);
      await reach('consume.afterHandler');
      return result;
    },
    save: async (changes) => {
      if (changes.published.length > 0) forgetting();
      await transaction.save(changes);
    },
  };
}
