import { isUuid } from './uuid.js';

/** The step of another saga that a nested saga is. Travels with all events of the nested one. */
export interface Parent {
  readonly sagaId: string;
  readonly sagaType: string;
  readonly sagaVersion: number;
  readonly step: string;
}

/** As the attribute `ce_sagaparent` has it: `<saga type>/<version>/<saga id>/<step>`. */
export function parentText({ sagaType, sagaVersion, sagaId, step }: Parent): string {
  return [sagaType, sagaVersion, sagaId, step].join('/');
}

/** Nothing for what is no such text. */
export function parentFrom(text: string): Parent | undefined {
  const [sagaType, version, sagaId, step, ...more] = text.split('/');
  const sagaVersion = Number(version);
  if (!sagaType || !step || !sagaId || more.length > 0 || !isUuid(sagaId)) return undefined;
  return Number.isSafeInteger(sagaVersion) && sagaVersion > 0 ? { sagaType, sagaVersion, sagaId, step } : undefined;
}
