import { soon } from '../../ports/own-context.js';
import { stepEnded } from './step-refusals.js';

/** Who speaks on the connection of a step: a query runner, or a client of its own. */
export type Speaker = object;

/** A transaction inside a step: a savepoint. */
export interface Part {
  readonly name: string;
  readonly owner: Speaker;
  /** The one whose callback or runner opened it. */
  readonly around: Part | undefined;
  /** Others than those inside it have spoken since it was opened, so it cannot be rolled back alone. */
  hasStrangers: boolean;
  state: 'open' | 'committed' | 'gone';
}

interface Waiting {
  readonly speaker: Speaker;
  readonly inside: Part | undefined;
  readonly go: () => void;
  readonly refuse: (error: Error) => void;
}

/**
 * Who may speak on the one connection of a step: one at a time, and while a transaction inside the step is open, those inside it. Outside of a step
 * each would have a connection; so the others wait for its end. But when nobody speaks for a turn of the event loop, whoever has to end it may be
 * waiting itself for one who waits here: then the others speak too, and from then on it cannot be rolled back alone.
 */
export class Turns {
  private readonly parts: Part[] = [];
  private waiting: Waiting[] = [];
  private speaking = 0;
  private said = 0;
  private looking = false;
  private named = 0;
  private ended = false;

  /** The innermost transaction inside the step that is not over. */
  get innermost(): Part | undefined {
    return this.parts.at(-1);
  }

  get hasOpenPart(): boolean {
    return this.parts.some(({ state }) => state === 'open');
  }

  /** Resolves, or returns nothing, when it is the speaker's turn; then `leave` ends it. */
  enter(speaker: Speaker, inside: Part | undefined): Promise<void> | undefined {
    if (this.speaking === 0 && this.mayGo(speaker, inside)) {
      this.begin();
      return undefined;
    }
    return new Promise((go, refuse) => {
      this.waiting.push({ speaker, inside, go, refuse });
      if (this.speaking === 0) this.look();
    });
  }

  leave(): void {
    this.speaking -= 1;
    this.next();
  }

  open(owner: Speaker, inside: Part | undefined): Part {
    const around = this.innermost?.owner === owner ? this.innermost : inside;
    const part: Part = { name: this.newName(), owner, around, hasStrangers: false, state: 'open' };
    this.parts.push(part);
    return part;
  }

  newName(): string {
    this.named += 1;
    return `saga_${this.named}`;
  }

  /** @returns whether it is the innermost, so that its savepoint can be released; what is around one that is not ends with it */
  commit(part: Part): boolean {
    const isInnermost = this.innermost === part;
    part.state = 'committed';
    while (this.innermost && this.innermost.state !== 'open') this.parts.pop();
    this.next();
    return isInnermost;
  }

  /** What is inside it is gone with it. */
  rollBack(part: Part): void {
    const at = this.parts.indexOf(part);
    for (const gone of this.parts.splice(at === -1 ? this.parts.length : at)) gone.state = 'gone';
    while (this.innermost && this.innermost.state !== 'open') this.parts.pop();
    this.next();
  }

  end(): void {
    this.ended = true;
    for (const { refuse } of this.waiting.splice(0)) refuse(stepEnded());
  }

  private mayGo(speaker: Speaker, inside: Part | undefined): boolean {
    const { innermost } = this;
    return !innermost || innermost === inside || innermost.owner === speaker;
  }

  private next(): void {
    if (this.speaking > 0 || this.waiting.length === 0) return;
    const at = this.waiting.findIndex(({ speaker, inside }) => this.mayGo(speaker, inside));
    if (at === -1) return this.look();
    const [waiting] = this.waiting.splice(at, 1);
    this.begin();
    waiting!.go();
  }

  private begin(): void {
    this.speaking += 1;
    this.said += 1;
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    const said = this.said;
    soon(() => {
      this.looking = false;
      if (this.ended || this.speaking > 0 || this.waiting.length === 0) return;
      if (this.said !== said) return this.next();
      const stranger = this.waiting.shift()!;
      const around = this.around(stranger);
      for (const part of this.parts) if (!around.has(part)) part.hasStrangers = true;
      this.begin();
      stranger.go();
    });
  }

  /** The transactions that a speaker is inside of. */
  private around({ speaker, inside }: Waiting): ReadonlySet<Part> {
    const found = new Set<Part>(this.parts.filter(({ owner }) => owner === speaker));
    for (let part = inside; part; part = part.around) found.add(part);
    return found;
  }
}
