import { randomUUID } from 'node:crypto';
import { describe, inject } from 'vitest';

/** Of the Kafka that all specs share. Use inside `describeWithKafka` only. */
export function kafkaBrokers(): string[] {
  return inject('kafkaBrokers');
}

/** Begins the names of topics and groups that no other test uses; ends with a dot. */
export function freshTopicPrefix(): string {
  return `test-${randomUUID().slice(0, 8)}.`;
}

/** Like `describe`; skipped, and counted as skipped, where no broker is to be had. In CI that cannot happen: the run fails. */
export function describeWithKafka(title: string, tests: () => void): void {
  const suite = kafkaBrokers().length === 0 ? describe.skip : describe;
  suite(title, tests);
}
