import { Operator } from '../../../libs/saga/src/flow/operate/operate.js';
import { SagaService } from '../../../libs/saga/src/flow/service.js';

const said = { actor: 'chaos', reason: 'what made it fail is over' };

/** Redrives the dead letters of steps whenever the process gets SIGURG, on which Nest does not shut down: what an operator does once the trouble is over. */
export function redriveWhenAsked(): void {
  const atWork = new Set<SagaService>();
  // oxlint-disable-next-line typescript/unbound-method -- called with the service below
  const { start } = SagaService.prototype;
  SagaService.prototype.start = async function patched(this: SagaService) {
    atWork.add(this);
    return start.call(this);
  };
  process.on('SIGURG', () => {
    for (const service of atWork)
      redriveAll(new Operator(service)).catch((error: unknown) => console.error('Not redriven:', error));
  });
}

async function redriveAll(operator: Operator): Promise<void> {
  for (const kind of ['compensation', 'undecided'] as const) {
    for (const { id } of await operator.deadLetters({ kind, state: 'open' }))
      await operator.redrive({ letterId: id, ...said });
  }
}
