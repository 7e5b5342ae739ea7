import type { SagaGraph } from '../../libs/saga/src/definition/saga-definition.js';
import type { Core } from './core.js';
import { shortest, type Broken, type Counterexample } from './counterexample.js';
import type { Environment } from './environment.js';
import { invariants, type Invariant } from './invariants.js';
import { wrongMove } from './measure.js';
import { Moves, type Move } from './moves.js';
import { Parts, type Part } from './part.js';
import { Scene, truthOf, type Truth, type World } from './scene.js';
import type { EventSet } from './vocabulary.js';

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Each way in which a run can end: everything published, and what really became of the saga. */
  readonly endings: ReadonlyMap<EventSet, Truth>;
  readonly scene: Scene;
  /** The shortest run that breaks an invariant; absent when all hold everywhere. */
  readonly counterexample?: Counterexample;
  /** The first move that is wrong in itself; absent when every run ends and nobody is asked for the wrong thing. */
  readonly wrongMove?: string;
}

/** A state that was reached: from where, and by what. */
export interface Visit {
  readonly world: World;
  readonly from: number;
  readonly by: string;
}

/** Visits every state that the core can reach in an environment, nearest first, and stops at the first broken invariant. */
export function explore(saga: SagaGraph, core: Core, environment: Environment): Exploration {
  return new Search(new Scene(saga, core), environment).run();
}

class Search {
  private readonly visits: Visit[] = [];
  private readonly seen = new Set<string>();
  private readonly endings = new Map<EventSet, Truth>();
  private readonly moves: readonly Moves[];
  private transitions = 0;
  private firstWrong: string | undefined;

  constructor(
    private readonly scene: Scene,
    private readonly environment: Environment,
  ) {
    const parts = new Parts();
    this.moves = scene.steps.map((step) => new Moves(step, scene.core, environment, parts, scene.vocabulary));
    this.visit({ parts: scene.steps.map(({ name }) => parts.initial(name)), published: 0 }, -1, '');
  }

  run(): Exploration {
    for (let index = 0; index < this.visits.length; index++) {
      const broken = this.brokenAt(index);
      if (broken) return { ...this.result(), counterexample: shortest(this.visits, index, broken) };
    }
    return this.result();
  }

  private result(): Exploration {
    const { visits, transitions, endings, scene, firstWrong } = this;
    return {
      states: visits.length,
      transitions,
      endings,
      scene,
      ...(firstWrong !== undefined && { wrongMove: firstWrong }),
    };
  }

  private brokenAt(index: number): Broken | undefined {
    const { world } = this.visits[index]!;
    const broken = this.broken('every world', world);
    if (broken) return broken;
    const duties = this.leave(world, index);
    if (duties.has('must')) return undefined;
    if (duties.has('operator')) return this.broken('waiting for an operator', world);
    this.endings.set(world.published, truthOf(world));
    return this.broken('rest', world);
  }

  private broken(at: Invariant['at'], world: World): Broken | undefined {
    for (const invariant of invariants) {
      const reason = invariant.at === at ? invariant.broken(this.scene, world) : undefined;
      if (reason !== undefined) return { invariant, reason };
    }
    return undefined;
  }

  /** Follows every move out of a world; tells what must still be done there. */
  private leave(world: World, from: number): ReadonlySet<Move['duty']> {
    const duties = new Set<Move['duty']>();
    for (const [place, part] of world.parts.entries()) {
      for (const move of this.movesOf(world, place)) {
        this.firstWrong ??= wrongMove(part, move);
        if (move.to === part && (move.publishes & ~world.published) === 0) continue;
        duties.add(move.duty);
        this.follow(world.parts.with(place, move.to), world.published | move.publishes, from, move.text);
      }
    }
    const { abort } = this.scene.vocabulary;
    if (this.environment.aborts && !(world.published & abort) && this.isAbortable(world)) {
      this.follow(world.parts, world.published | abort, from, 'somebody requests an abort');
    }
    return duties;
  }

  /** A request to abort a saga with fan-outs names their branches: whoever asks knows them from the event of the source. */
  private isAbortable({ published }: World): boolean {
    const { saga, vocabulary } = this.scene;
    const isNamed = (published & vocabulary.bit(saga.source, 'done')) !== 0;
    return isNamed || !saga.template || this.environment.fault === 'abort before the branches are known';
  }

  private movesOf({ parts, published }: World, place: number): readonly Move[] {
    const part = parts[place]!;
    const moves = this.moves[place]!;
    const readable = this.scene.vocabulary.subscriptions[part.step]!.filter(({ bit }) => published & bit);
    return [...moves.own(part), ...readable.map((subscription) => moves.read(part, subscription))];
  }

  private follow(parts: readonly Part[], published: EventSet, from: number, by: string): void {
    this.transitions++;
    this.visit({ parts, published }, from, by);
  }

  private visit(world: World, from: number, by: string): void {
    const key = String.fromCharCode(
      ...world.parts.map(({ id }) => id),
      world.published & 0xffff,
      world.published >>> 16,
    );
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.visits.push({ world, from, by });
  }
}
