import { spreadOf, type Spread } from '../measure/spread.js';
import type { Result } from '../process/rounds.js';
import type { ProgramName } from '../programs/catalog.js';
import type { Ending } from '../programs/program.js';

/** One load; its runs hold one result per program each. */
export interface Cell {
  readonly ending: Ending;
  readonly concurrency: number;
}

export type Figure = (result: Result) => number;

export const rate: Figure = (result) => result.sagasPerSecond;

/** Asks the results of a bench for medians and ratios. */
export class Figures {
  constructor(private readonly results: readonly Result[]) {}

  cells(): readonly Cell[] {
    const keys = new Map(
      this.results.map(({ ending, concurrency }) => [`${ending}/${concurrency}`, { ending, concurrency }]),
    );
    return [...keys.values()];
  }

  programs(): readonly ProgramName[] {
    return [...new Set(this.results.map(({ program }) => program))];
  }

  has(program: ProgramName, cell: Cell): boolean {
    return this.of(program, cell).length > 0;
  }

  spread(program: ProgramName, cell: Cell, figure: Figure): Spread {
    return spreadOf(this.of(program, cell).map(figure));
  }

  /** Of two programs under one load, taken run by run: what both had to share cancels out. */
  ratio(above: ProgramName, below: ProgramName, cell: Cell, figure: Figure = rate): Spread | undefined {
    return this.runwise(this.of(above, cell), this.of(below, cell), figure);
  }

  /** Of one program under two loads. */
  ratioOfCells(program: ProgramName, above: Cell, below: Cell, figure: Figure = rate): Spread | undefined {
    return this.runwise(this.of(program, above), this.of(program, below), figure);
  }

  private of(program: ProgramName, { ending, concurrency }: Cell): readonly Result[] {
    return this.results.filter(
      (result) => result.program === program && result.ending === ending && result.concurrency === concurrency,
    );
  }

  private runwise(above: readonly Result[], below: readonly Result[], figure: Figure): Spread | undefined {
    const ratios = above.flatMap((result) => {
      const other = below.find(({ run }) => run === result.run);
      return other ? [figure(result) / figure(other)] : [];
    });
    return ratios.length > 0 ? spreadOf(ratios) : undefined;
  }
}
