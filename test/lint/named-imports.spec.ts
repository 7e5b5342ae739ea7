import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const importing = /^import (?:\w+, )?\{([^}]+)\} from '(?!\.|node:|nest-saga|@samples)([^']+)';/gm;

/** The names of values that are imported from packages which are not ours, by package. */
function importsIn(folder: string): ReadonlyMap<string, ReadonlySet<string>> {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const imports = new Map<string, Set<string>>();
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('spec.ts'))) {
    for (const [, names, source] of readFileSync(join(root, folder, file), 'utf8').matchAll(importing)) {
      const values = names!.split(',').map((name) => name.trim().split(' as ')[0]!);
      const ofSource = imports.get(source!) ?? new Set();
      for (const name of values) if (name !== '' && !name.startsWith('type ')) ofSource.add(name);
      imports.set(source!, ofSource);
    }
  }
  return imports;
}

/** Vitest lends names to CommonJS packages that Node does not find there. */
test.each(['libs/saga/src', 'apps'])('every name that %s imports of a package is there for Node itself', (folder) => {
  const imports = importsIn(folder);
  expect(imports.size).toBeGreaterThan(5);
  const lines = [...imports].map(([source, names]) => {
    const renamed = [...names].map((name) => `${name} as ${name}_of_${source.replaceAll(/\W/g, '_')}`);
    return `import { ${renamed.join(', ')} } from '${source}';`;
  });
  const args = ['--input-type=module', '-e', lines.join('\n')];
  const { stderr, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
});
