/** `npm run model-card -- --pack models/<name>`: writes a pack's model card from a report that was written before. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { evidenceSchema, writeCard } from './evaluation/card.ts';
import { SHIPPED_ROW } from './evaluation/rows.ts';

const ROOT = join(import.meta.dirname, '..');
const { values: flags } = parseArgs({
  options: {
    pack: { type: 'string', default: join('models', SHIPPED_PACK) },
    report: { type: 'string', default: 'docs/reports/development-2009.json' },
    row: { type: 'string', default: SHIPPED_ROW },
  },
});
const evidence = evidenceSchema.parse(JSON.parse(readFileSync(join(ROOT, flags.report), 'utf8')));
writeCard(join(ROOT, flags.pack), evidence, flags.row);
process.stderr.write(`written: the measurements and the model card of ${flags.pack}\n`);
