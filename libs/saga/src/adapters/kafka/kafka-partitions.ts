import { Partitioners, type ICustomPartitioner, type RecordMetadata } from 'kafkajs';

/**
 * The partitions of one send. When a partition gets another leader while a send is under way, and that leader has answered already,
 * kafkajs 2.2.4 resolves without having sent that partition's messages. Its answer shows it: the partition is not in it.
 */
export class ChosenPartitions {
  private readonly chosen = new Map<string, Set<number>>();

  /** Chooses as kafkajs does by itself, by the key. */
  readonly partitioner: ICustomPartitioner = () => {
    const choose = Partitioners.DefaultPartitioner();
    return (given) => {
      const partition = choose(given);
      this.of(given.topic).add(partition);
      return partition;
    };
  };

  forget(): void {
    this.chosen.clear();
  }

  /** Which of the partitions that messages were meant for are not in the answer, as `topic[3]`. */
  unanswered(answer: readonly RecordMetadata[]): readonly string[] {
    const answered = new Set(answer.map(({ topicName, partition }) => `${topicName}[${partition}]`));
    const chosen = [...this.chosen].flatMap(([topic, partitions]) =>
      [...partitions].map((partition) => `${topic}[${partition}]`),
    );
    return chosen.filter((place) => !answered.has(place));
  }

  private of(topic: string): Set<number> {
    const known = this.chosen.get(topic) ?? new Set<number>();
    this.chosen.set(topic, known);
    return known;
  }
}
