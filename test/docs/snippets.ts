import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code block of a document and the region of a compiled file that it shows; none where nothing is named. */
export interface Snippet {
  readonly source: string | undefined;
  readonly code: string;
}

const block = /(?:<!-- (\S+) -->\n\n)?```ts\n([\s\S]*?)```/g;

export function documents(): readonly string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.md'),
  );
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs.map((file) => join('docs', file))];
}

export function snippetsOf(document: string): readonly Snippet[] {
  return [...readFileSync(join(root, document), 'utf8').matchAll(block)].map(([, source, code]) => ({
    source,
    code: code!,
  }));
}

/** The text between `// #region name` and `// #endregion name`. */
export function region(source: string): string {
  const [file, name] = source.split('#') as [string, string];
  const text = readFileSync(join(root, file), 'utf8');
  const found = new RegExp(`// #region ${name}\\n([\\s\\S]*?) *// #endregion ${name}`).exec(text);
  if (!found) throw new Error(`${file} has no region "${name}".`);
  return found[1]!;
}

/** The document with every named block as its source has it. */
export function refreshed(document: string): string {
  const text = readFileSync(join(root, document), 'utf8');
  return text.replace(block, (whole, source: string | undefined) =>
    source === undefined ? whole : `<!-- ${source} -->\n\n\`\`\`ts\n${region(source)}\`\`\``,
  );
}
