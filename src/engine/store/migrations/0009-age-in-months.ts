/** Schema 9: the age of an infant in completed months, where it is known. */

import type { Migration } from '../migrate.ts';

export const ageInMonths: Migration = {
  version: 9,
  name: 'age in months',
  sql: `
    ALTER TABLE visits ADD COLUMN age_months INTEGER CHECK (age_months BETWEEN 0 AND 23 AND age = age_months / 12);
  `,
};
