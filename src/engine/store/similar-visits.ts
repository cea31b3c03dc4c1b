/** Reads the past visits of a site with what was prescribed at each, for comparison. Compares nothing and names nobody. */

import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import type { DiagnosisSystem } from '../../shared/domain.ts';
import type { ReadableDb } from './handle.ts';
import { DrugNames } from './json-columns.ts';

/** A visit without its patient: its codes and the drugs that it ended with. */
export interface PastVisit {
  readonly diagnoses: readonly { readonly system: DiagnosisSystem; readonly code: string }[];
  readonly reasons: readonly string[];
  readonly chronic: readonly string[];
  readonly drugs: readonly DrugId[];
}

/** Older visits are not compared, so that the answer stays quick. */
const MOST_VISITS = 5000;

interface Row {
  readonly diagnoses: string;
  readonly reasons: string;
  readonly chronic: string;
  readonly prescribed: string;
  readonly final: string | null;
}

/**
 * The latest visits of other patients that say what was prescribed: by their latest decision, else by the record. Visits
 * of the demo are compared with each other only.
 */
export function pastVisits(db: ReadableDb, except: VisitId): PastVisit[] {
  const rows = db.all<Row>(
    `SELECT
       (SELECT json_group_array(json_object('system', system, 'code', code)) FROM visit_diagnoses WHERE visit = v.key)
         AS diagnoses,
       (SELECT json_group_array(code) FROM visit_reasons WHERE visit = v.key) AS reasons,
       (SELECT json_group_array(code) FROM visit_chronic_flags WHERE visit = v.key) AS chronic,
       (SELECT json_group_array(drug) FROM visit_medications WHERE visit = v.key AND role = 'prescribed') AS prescribed,
       (SELECT final FROM decisions WHERE visit = v.key ORDER BY key DESC LIMIT 1) AS final
     FROM visits v JOIN visits asked ON asked.id = ?
     WHERE v.patient <> asked.patient AND v.demo = asked.demo
       AND (v.prescribed_known = 1 OR EXISTS (SELECT 1 FROM decisions WHERE visit = v.key))
     ORDER BY v.key DESC LIMIT ?`,
    except,
    MOST_VISITS,
  );
  return rows.map(({ diagnoses, reasons, chronic, prescribed, final }) => ({
    diagnoses: JSON.parse(diagnoses) as PastVisit['diagnoses'],
    reasons: JSON.parse(reasons) as string[],
    chronic: JSON.parse(chronic) as string[],
    drugs:
      final === null
        ? (JSON.parse(prescribed) as string[]).map((drug) => asId<DrugId>(drug))
        : DrugNames.parse(JSON.parse(final)).map(({ id }) => id),
  }));
}
