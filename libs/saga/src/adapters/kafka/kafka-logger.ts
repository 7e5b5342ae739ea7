import { logLevel, type logCreator } from 'kafkajs';
import type { TransportContext } from '../../ports/transport.js';

const silenceMs = 10_000;

/** The beginnings of what kafkajs says about the ordinary course of things, or about what this adapter takes care of and reports itself. */
const ordinary = [
  'The group is rebalancing',
  'Limiting retries for the idempotent producer',
  'Response ',
  'Crash: ',
  'Connection error: ',
  'Connection timeout',
  'Failed to connect to ',
];

/** What kafkajs has to say, the ordinary for whoever wants every detail, the rest as warnings of the service's logger, the same one at most every ten seconds. */
export function routedTo(logger: TransportContext['logger']): logCreator {
  const told = new Map<string, number>();
  return () => (entry) => {
    const { message } = entry.log;
    if (entry.level > logLevel.WARN) return;
    const line = `kafkajs ${entry.namespace}: ${message}`;
    if (ordinary.some((beginning) => message.startsWith(beginning))) return logger.debug?.(line);
    const now = Date.now();
    for (const [text, at] of told) if (now - at > silenceMs) told.delete(text);
    if (told.has(message)) return;
    told.set(message, now);
    logger.warn(line);
  };
}
