import fc from 'fast-check';
import { arrivalOrders } from './arrival-orders.js';
import { realCore, type Core } from './core.js';
import { printed } from './counterexample.js';
import { definitions, fannedOut } from './definitions.js';
import {
  acknowledged,
  acknowledgedWithAborts,
  outside,
  plain,
  undoneByHand,
  withAborts,
  withDeadLetters,
} from './environment.js';
import { explore } from './explore.js';
import { mutants } from './mutants.js';
import { anyDefinition } from './random-definition.js';
import { heading, reportOn } from './report.js';

// The whole proof, larger than what the unit suite has time for: `npm run model`. Fails when the core breaks an invariant or a mutant survives.

const environments = [plain, withAborts, withDeadLetters, acknowledged, acknowledgedWithAborts, outside, undoneByHand];

console.log(`Every order and repetition of every event, on the real core\n\n${heading}`);
for (const [name, saga] of Object.entries({ ...definitions, ...fannedOut })) {
  for (const environment of environments) tell(reportOn(name, saga, realCore, environment));
}

console.log('\nRandom definitions of up to 5 steps');
const known = new Set<string>();
for (const saga of fc.sample(anyDefinition(5), { numRuns: 200, seed: 1 })) {
  const name = Object.values(saga.steps)
    .map((step) => `${step.name}(${step.predecessors.join(' ')})${step.role === 'pivot' ? '*' : ''}`)
    .join(' ');
  if (known.has(name)) continue;
  known.add(name);
  tell(reportOn(name, saga, realCore, withDeadLetters));
}

console.log('\nMutants, and the shortest run in which each is caught');
for (const { name, saga, core, environment, falls } of mutants) {
  const { counterexample } = explore(saga, core, environment);
  const caught = counterexample?.invariant.name === falls;
  console.log(`\n${name}\n${counterexample ? printed(counterexample) : 'survives'}`);
  if (!caught) process.exitCode = 1;
}

const keepsLast: Core['foldSaga'] = (saga, facts) => realCore.foldSaga(saga, [...facts].slice(-1));
const { orders, wrong, example } = arrivalOrders(explore(definitions['a, b, P, R'], realCore, plain), keepsLast);
console.log(`\nThe tracker keeps only the last event\nwrong in ${wrong} of ${orders} orders: ${example}`);
if (wrong === 0) process.exitCode = 1;

function tell({ line, problem }: { line: string; problem: string | undefined }): void {
  console.log(line);
  if (problem === undefined) return;
  console.log(problem);
  process.exitCode = 1;
}
