/** The process died while it waited, or is asked for something after its death. */
export class Crashed extends Error {
  constructor() {
    super('the process crashed');
  }
}

interface Waiting {
  readonly owner: object;
  readonly pass: () => void;
  readonly die: () => void;
}

/** Where processes wait for the scheduler: between any two of its decisions one of them takes one step. */
export class Gates {
  private waiting: Waiting[] = [];
  private open = false;
  private readonly dead = new WeakSet();

  get size(): number {
    return this.waiting.length;
  }

  wait(owner: object): Promise<void> {
    if (this.dead.has(owner)) return Promise.reject(new Crashed());
    if (this.open) return Promise.resolve();
    return new Promise((pass, reject) => this.waiting.push({ owner, pass, die: () => reject(new Crashed()) }));
  }

  /** Lets one of those that wait go on. */
  letPass(index: number): void {
    this.waiting.splice(index, 1)[0]?.pass();
  }

  /** What waits for the owner ends here: an open transaction is rolled back, anything else never happens. */
  kill(owner: object): void {
    this.dead.add(owner);
    const dying = this.waiting.filter((one) => one.owner === owner);
    this.waiting = this.waiting.filter((one) => one.owner !== owner);
    for (const one of dying) one.die();
  }

  isDead(owner: object): boolean {
    return this.dead.has(owner);
  }

  /** From now on nobody waits. */
  openAll(): void {
    this.open = true;
    for (const one of this.waiting.splice(0)) one.pass();
  }
}
