import type { TransportContext, TransportFinding } from '../../ports/transport.js';

type Found = Omit<TransportFinding, 'since'>;

/** What happened, rather than is so, is told for so long, ms. */
const eventsLast = 3_600_000;

/** What is found about topics and groups: each is told when it is found, and when it is over. */
export class KafkaFindings {
  private readonly known = new Map<string, TransportFinding>();

  constructor(private readonly logger: TransportContext['logger']) {}

  /** Replaces what was found in this place before. @param place what was looked at, such as a topic or a group */
  replace(place: string, found: readonly Found[]): void {
    const now = new Map(found.map((finding) => [keyOf(place, finding), finding]));
    for (const [key, finding] of this.known)
      if (key.startsWith(`${place}\n`) && !now.has(key)) {
        this.known.delete(key);
        this.logger.log(`No longer so: ${finding.detail}`);
      }
    for (const [key, finding] of now) this.note(key, finding);
  }

  /** Something that happened. It is told for an hour. */
  happened(finding: Found): void {
    const key = keyOf('event', finding);
    this.known.delete(key);
    this.note(key, finding);
  }

  list(): readonly TransportFinding[] {
    const old = Date.now() - eventsLast;
    for (const [key, { since }] of this.known)
      if (key.startsWith('event\n') && since.getTime() < old) this.known.delete(key);
    return [...this.known.values()];
  }

  private note(key: string, finding: Found): void {
    const before = this.known.get(key);
    this.known.set(key, { ...finding, since: before?.since ?? new Date() });
    if (before) return;
    if (finding.severity === 'error') this.logger.error(finding.detail);
    else if (finding.severity === 'warning') this.logger.warn(finding.detail);
    else this.logger.log(finding.detail);
  }
}

function keyOf(place: string, { code, topic, partition }: Found): string {
  return [place, code, topic, partition].join('\n');
}
