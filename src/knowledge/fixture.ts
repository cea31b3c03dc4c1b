/** The shipped knowledge tables, opened once for the tests of this room. No product code imports it. */

import { resolve } from 'node:path';
import { asId, type DrugId } from '../shared/ids.ts';
import { loadKnowledge } from './knowledge.ts';
import { lazy } from './tables.ts';

export const KNOWLEDGE_DIRECTORY = resolve(import.meta.dirname, '../../resources/knowledge');
export const shippedKnowledge = lazy(() => loadKnowledge(KNOWLEDGE_DIRECTORY));
export const drug = (name: string): DrugId => asId<DrugId>(name);
