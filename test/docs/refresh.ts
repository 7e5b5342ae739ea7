import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents, refreshed, root } from './snippets.js';

for (const document of documents()) writeFileSync(join(root, document), refreshed(document));
