import { writeFileSync } from 'node:fs';
import { buildReferencePages } from './reference-pages.ts';

for (const [path, text] of buildReferencePages()) writeFileSync(new URL(`../${path}`, import.meta.url), text);
