import type { FoundHandler } from './explorer.js';

/** What the log says of a handler when the service starts. */
export function handlerLine({ label, metadata }: FoundHandler): string {
  if (metadata.kind === 'listener') return `${label} listens to ${metadata.event?.type}`;
  const { saga, name, version = 1 } = metadata.step ?? {};
  const step = `${saga}.${name}${version > 1 ? ` of version ${version}` : ''}`;
  return metadata.kind === 'step' ? `${label} does ${step}` : `${label} undoes ${step}`;
}
