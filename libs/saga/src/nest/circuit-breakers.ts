import { reasonOf } from '../protocol/reason.js';
import { OutcomeUnknown, StepPostponed, StepRejected } from '../protocol/errors.js';
import type { StepNode } from '../definition/saga-definition.js';
import {
  CockatielCircuit,
  defaultCircuit,
  type CircuitOptions,
  type ErrorMeaning,
} from '../adapters/cockatiel/cockatiel-circuit.js';
import { isConflict } from '../adapters/typeorm/conflicts.js';
import type { Logger } from '../flow/participant.js';
import type { Circuit } from '../ports/circuit.js';
import type { Clock } from '../ports/clock.js';
import { FenceConflict, OwnTransactionNeeded } from '../ports/step-store.js';

/** `off`, or what differs from 10 failures in a row and 10 s. */
export type CircuitSetting = 'off' | Partial<CircuitOptions>;

/** A method that is left alone because it failed too often in a row. */
export interface OpenCircuit {
  readonly saga: string;
  readonly step: string;
  readonly of: 'step' | 'compensation';
  readonly since: Date;
}

/** The circuits of a service's methods: one for each step and one for each compensation. */
export class CircuitBreakers {
  private readonly made: { readonly named: Omit<OpenCircuit, 'since'>; readonly circuit: Circuit }[] = [];

  constructor(
    private readonly setting: CircuitSetting | undefined,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly logger: Logger,
  ) {}

  /** The circuit of a method, where it has one. */
  of(node: StepNode, of: OpenCircuit['of'], own: CircuitSetting | undefined): Circuit | undefined {
    if (own === 'off' || (own === undefined && this.setting === 'off')) return undefined;
    const options = { ...defaultCircuit, ...(this.setting !== 'off' && this.setting), ...own };
    const named = { saga: node.saga, step: node.name, of };
    const circuit = this.circuit(`The ${of} "${node.name}" of saga "${node.saga}"`, options);
    this.made.push({ named, circuit });
    return circuit;
  }

  open(): readonly OpenCircuit[] {
    return this.made.flatMap(({ named, circuit }) => {
      const since = circuit.openSince();
      return since ? [{ ...named, since }] : [];
    });
  }

  private circuit(name: string, options: CircuitOptions): Circuit {
    const { clock, logger } = this;
    return new CockatielCircuit(name, options, {
      clock,
      meaningOf,
      opened: (error) =>
        logger.error(
          `${name} failed ${options.failures} times in a row: nothing of it is attempted, and charged to no saga, for ${options.halfOpenAfter} ms at a time until it succeeds again. The last failure: ${reasonOf(error)}`,
        ),
      closed: () => logger.log(`${name} succeeded again: attempts are made as before.`),
    });
  }
}

/** A conflict in the database is repeated at once, and an unknown outcome is no failure: neither says that anything is away. */
function meaningOf(error: unknown): ErrorMeaning {
  if (error instanceof StepRejected) return 'answer';
  const isNoFailure = [OutcomeUnknown, StepPostponed, FenceConflict, OwnTransactionNeeded].some(
    (type) => error instanceof type,
  );
  return isNoFailure || isConflict(error) ? 'nothing' : 'failure';
}
