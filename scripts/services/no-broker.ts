/** No Kafka broker is to be had on this machine. The message says what was tried and what would help. */
export class NoBroker extends Error {
  override readonly name = 'NoBroker';
  readonly code = 'NO_BROKER';

  constructor(readonly tried: readonly string[]) {
    super(
      [
        'No Kafka broker is to be had:',
        ...tried.map((attempt) => `  - ${attempt}`),
        'Do one of these: set KAFKA_BROKERS=host:port of a running broker (docker compose up kafka),',
        'start Docker, or install Java 17 or newer and Maven, which fetches the broker once.',
      ].join('\n'),
    );
  }
}
