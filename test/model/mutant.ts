import type { SagaGraph } from '../../libs/saga/src/definition/saga-definition.js';
import type { Core } from './core.js';
import type { Environment } from './environment.js';

/** A way to get the protocol wrong, where it shows, and the invariant that falls. */
export interface Mutant {
  readonly name: string;
  readonly saga: SagaGraph;
  readonly core: Core;
  readonly environment: Environment;
  readonly falls: string;
}
