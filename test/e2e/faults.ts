import type { SagaModuleOptions } from 'nest-saga';

type Factory = SagaModuleOptions['transport'];
type Transport = ReturnType<Factory>;
type Publish = Transport['publish'];

// #region publishing
/** A transport that publishes in another way, and otherwise does as the one behind it. */
function publishing(factory: Factory, publish: (behind: Transport) => Publish): Factory {
  return (context) => {
    const behind = factory(context);
    return {
      publish: publish(behind),
      subscribe: (subscription) => behind.subscribe(subscription),
      drain: () => behind.drain(),
      close: () => behind.close(),
      health: () => behind.health(),
      lifetimes: behind.lifetimes,
    };
  };
}
// #endregion publishing

/** Nothing can be published for as long as `line.cut` is true. */
export function throughLine(line: { cut: boolean }): (factory: Factory) => Factory {
  return (factory) =>
    publishing(factory, (behind) => async (messages) => {
      if (line.cut) throw new Error('the line is cut');
      await behind.publish(messages);
    });
}

// #region twice
/** Every message arrives twice, and late, and in another order than it was sent in. */
export function twiceAndShuffled(factory: Factory): Factory {
  let turn = 0;
  return publishing(factory, (behind) => async (messages) => {
    for (const message of [...messages, ...messages].toReversed()) {
      turn += 1;
      setTimeout(() => void behind.publish([message]), (turn * 37) % 90);
    }
  });
}
// #endregion twice

/** What is late may come when its service is gone: its transport still carries it. */
export function outliving(factory: Factory): Factory {
  return (context) => {
    const transport = factory(context);
    return Object.assign(Object.create(transport) as Transport, { close: () => transport.drain() });
  };
}

/** Events of this type are on their way until they are let go; then they arrive. */
export function holding(type: string): {
  readonly held: readonly (() => Promise<void>)[];
  readonly through: (factory: Factory) => Factory;
  letGo(): Promise<void>;
} {
  const held: (() => Promise<void>)[] = [];
  return {
    held,
    through: (factory) =>
      publishing(factory, (behind) => async (messages) => {
        const slow = messages.filter(({ headers }) => headers['ce_type'] === type);
        held.push(...slow.map((message) => () => behind.publish([message])));
        await behind.publish(messages.filter((message) => !slow.includes(message)));
      }),
    letGo: async () => {
      for (const arrive of held) await arrive();
    },
  };
}

/** SQL that makes a statement on a table fail, for the rows that `when` tells, until the trigger is dropped. */
export function brokenTable(table: string, event: 'INSERT' | 'DELETE', when: string): string {
  return `CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
    CREATE TRIGGER broken BEFORE ${event} ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION break_it()`;
}

export function mendedTable(table: string): string {
  return `DROP TRIGGER broken ON ${table}; DROP FUNCTION break_it()`;
}
