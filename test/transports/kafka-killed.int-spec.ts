import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 30_000, interval: 50 };
const fromSource = fileURLToPath(new URL('../../scripts/from-source.mjs', import.meta.url));

interface Death {
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

async function dyingConsumer(stage: KafkaStage): Promise<Death> {
  const child = spawn(process.execPath, [fromSource, 'test/transports/dying-consumer.ts'], {
    env: { ...process.env, BROKERS: stage.brokers.join(','), TOPIC: stage.topic, GROUP: stage.group },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)));
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { signal, said };
}

describeWithKafka('a consumer that is killed', () => {
  it('between its handler and the commit leaves the record to the next', { timeout: 60_000 }, async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const transport = stage.open();
    await transport.publish([stage.message('twice')]);
    const death = await dyingConsumer(stage);
    expect(death).toEqual({ signal: 'SIGKILL', said: expect.stringContaining('handled twice') });
    expect(await stage.committed()).toEqual([-1]);
    const taken = await stage.consume(transport);
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['twice']), patience);
  });
});
