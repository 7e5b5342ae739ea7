// The specs of test/fuzz, tried longer: npm run fuzz [-- <times> [<seed>]]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [times = '30', seed] = process.argv.slice(2);
const env = { ...process.env, FUZZ_TIMES: times, ...(seed && { FUZZ_SEED: seed }) };
const tests = fileURLToPath(new URL('test.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [tests, 'test/fuzz'], { stdio: 'inherit', env });
process.exitCode = status ?? 1;
