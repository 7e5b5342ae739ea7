import type { TestProject } from 'vitest/node';
import { startKafka } from '../../scripts/services/kafka.js';
import type { Kafka } from '../../scripts/services/kafka.js';
import { NoBroker } from '../../scripts/services/no-broker.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Empty when no broker is to be had. */
    kafkaBrokers: string[];
  }
}

function warn(reason: NoBroker): void {
  const line = '!'.repeat(100);
  console.error(
    `\n${line}\nTHE TESTS ON KAFKA DO NOT RUN: every describeWithKafka(...) is skipped.\n${reason.message}\n${line}\n`,
  );
}

async function kafkaOrNone(): Promise<Kafka | undefined> {
  try {
    return await startKafka();
  } catch (error) {
    if (!(error instanceof NoBroker) || process.env['CI'] === 'true') throw error;
    warn(error);
    return undefined;
  }
}

/** One Kafka for all specs, each of which uses topics of its own in it. KAFKA_BROKERS names one that runs already. */
export default async function provideKafka(project: TestProject): Promise<() => Promise<void>> {
  const kafka = await kafkaOrNone();
  project.provide('kafkaBrokers', kafka?.brokers ?? []);
  return async () => kafka?.stop();
}
