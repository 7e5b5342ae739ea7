import type { FoundHandler } from './explorer.js';

const verbs = { step: 'does', compensation: 'undoes', resolution: 'knows what came of' };

/** What the log says of a handler when the service starts. */
export function handlerLine({ label, metadata }: FoundHandler): string {
  if (metadata.kind === 'listener') return `${label} listens to ${metadata.event?.type}`;
  const { saga, name, version = 1 } = metadata.step ?? {};
  const step = `${saga}.${name}${version > 1 ? ` of version ${version}` : ''}`;
  return `${label} ${verbs[metadata.kind]} ${step}`;
}
