import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { KafkaJsInstrumentation } from '@opentelemetry/instrumentation-kafkajs';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { register } from 'node:module';

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

/** Counts instead of sending. */
const counted = { spans: 0 };
const counting: SpanProcessor = {
  onStart: () => undefined,
  onEnd: () => void (counted.spans += 1),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};
new NodeTracerProvider({ spanProcessors: [counting] }).register();
registerInstrumentations({ instrumentations: [new PgInstrumentation(), new KafkaJsInstrumentation()] });
process.on('exit', () => console.log(JSON.stringify(counted)));
