import { TaskAssignment } from '@samples/contracts';
import type { Paint, Style } from './paint.js';
import type { SagaEvent } from './saga-events.js';
import { shortened, shortId } from './table.js';

const steps = Object.keys(TaskAssignment.steps);
const indent = 4;
const titleWidth = 32;
const eventWidth = 41;

interface Look {
  readonly style: Style;
  readonly text: (type: string) => string;
}

const looks: Readonly<Record<string, Look>> = {
  done: { style: 'green', text: (type) => `${type} →` },
  rejected: { style: 'red', text: (type) => `${type} ✗` },
  compensated: { style: 'yellow', text: (type) => `← ${type}` },
  cancelled: { style: 'dim', text: (type) => `∅ ${type.replace(`${TaskAssignment.name}.`, '')}` },
};
const unusual: Look = { style: 'red', text: (type) => `! ${type}` };

/** Prints a line for each event: every step has its column, so a saga that closes backwards is seen to go back. */
export class LiveView {
  private readonly started = performance.now();
  private readonly titles = new Map<string, string>();

  constructor(
    private readonly paint: Paint,
    private readonly print: (line: string) => void,
  ) {}

  show(event: SagaEvent): void {
    if (event.data.title !== undefined) this.titles.set(event.sagaId, event.data.title);
    const title = shortened(this.titles.get(event.sagaId) ?? '', titleWidth).padEnd(titleWidth);
    const { style, text } = looks[event.outcome] ?? unusual;
    const column = ' '.repeat(Math.max(0, steps.indexOf(event.step)) * indent);
    const what = `${column}${text(event.type)}`.padEnd(eventWidth);
    const offset = `+${((performance.now() - this.started) / 1_000).toFixed(2)}s`.padStart(8);
    const service = event.source.replace(/^\//, '');
    this.print(
      [
        this.paint('dim', offset),
        this.paint('cyan', shortId(event.sagaId)),
        title,
        this.paint(style, what),
        this.paint('dim', service.padEnd(12)),
        this.paint('bold', endOf(event)),
      ]
        .join('  ')
        .trimEnd(),
    );
  }
}

/** The last step done completes the saga; the source undone ends one that closes backwards. */
function endOf({ step, outcome }: SagaEvent): string {
  if (outcome === 'done' && TaskAssignment.sinks.includes(step)) return 'completed';
  return outcome === 'compensated' && step === TaskAssignment.source ? 'closed backwards' : '';
}
