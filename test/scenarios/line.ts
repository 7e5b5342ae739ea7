import type { SagaModuleOptions, WireMessage } from 'nest-saga';

type Factory = SagaModuleOptions['transport'];
type Transport = ReturnType<Factory>;

/** What connects one process with the transport: it can be cut, so that nothing is published, and dropped, so that nothing is taken either. */
export class Line {
  private transport: Transport | undefined;

  constructor(
    private cut: boolean,
    /** Everything that was published, in its order. */
    private readonly published: WireMessage[],
  ) {}

  through(factory: Factory): Factory {
    return (context) => {
      const behind = factory(context);
      this.transport = behind;
      return {
        publish: (messages) => this.publish(behind, messages),
        subscribe: (subscription) => behind.subscribe(subscription),
        drain: () => behind.drain(),
        close: () => behind.close(),
        health: () => behind.health(),
        lifetimes: behind.lifetimes,
      };
    };
  }

  /** Resolves when what was in hand has come to nothing. */
  async drop(): Promise<void> {
    this.cut = true;
    await this.transport?.drain();
  }

  private async publish(behind: Transport, messages: readonly WireMessage[]): Promise<void> {
    if (this.cut) throw new Error('the line is cut');
    await behind.publish(messages);
    this.published.push(...messages);
  }
}
