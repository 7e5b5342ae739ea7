import type { Load } from '../measure/load.js';
import type { Measurement } from '../measure/measurement.js';
import type { ProgramName } from '../programs/catalog.js';
import type { Surroundings } from '../programs/program.js';

/** What the bench tells a program's process; each is answered once. */
export type Command =
  | { readonly type: 'open'; readonly program: ProgramName; readonly at: Surroundings }
  | { readonly type: 'measure'; readonly load: Load; readonly profile?: string }
  | { readonly type: 'close' };

export type Answer =
  | { readonly type: 'done' }
  | { readonly type: 'measured'; readonly measurement: Measurement }
  | { readonly type: 'failed'; readonly reason: string };
