/** The zod schemas of what the editor sends: forms as typed, and inputs to store. Bounds their size; check-input.ts judges them. */

import { z } from 'zod';
import type { Measurements } from '../../shared/domain.ts';
import {
  LONGEST_ENTRY,
  LONGEST_LIST,
  LONGEST_NOTE,
  type EditorForm,
  type PatientInput,
  type VisitInput,
} from '../../shared/editing.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../shared/ids.ts';

/** A draft may hold what cannot be stored: twenty times what is allowed is still kept. */
const typed = z.string().max(20 * LONGEST_NOTE);
const short = z.string().max(LONGEST_ENTRY);
const id = z.string().min(1).max(200);
const patientId = id.transform((text) => asId<PatientId>(text));
const visitId = id.transform((text) => asId<VisitId>(text));
const drugId = id.transform((text) => asId<DrugId>(text));
const code = z.string().min(1).max(40);
const sex = z.enum(['F', 'M', 'unknown']);
const setting = z.enum(['office', 'inpatient', 'intensive-care', 'emergency', 'unknown']);
const system = z.enum(['ICD-9-CM', 'ICD-10-CM']);
const pregnancy = z.enum(['pregnant', 'not-pregnant', 'unknown']);
const lactation = z.enum(['lactating', 'not-lactating', 'unknown']);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(LONGEST_LIST);
const long = <Item extends z.ZodType>(item: Item) => z.array(item).max(2 * LONGEST_LIST);

function eachMeasurement<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    creatinine: item,
    weight: item,
    height: item,
    systolic: item,
    diastolic: item,
    heartRate: item,
    temperature: item,
  } satisfies Record<keyof Measurements, Item>);
}

const title = z.string().max(1000).nullable();
const codeTitle = z.strictObject({ code, title });
const drugName = z.strictObject({ id: drugId, name: z.string().max(1000), drugClass: title });

const patientForm = z.strictObject({
  kind: z.literal('patient'),
  id: patientId,
  isNew: z.boolean(),
  name: typed,
  recordNumber: typed,
  sex,
  birthYear: typed,
});

const visitForm = z.strictObject({
  kind: z.literal('visit'),
  id: visitId,
  patientId,
  isNew: z.boolean(),
  date: typed,
  age: typed,
  setting,
  specialty: z.string().max(40),
  reasons: long(codeTitle),
  diagnoses: long(z.strictObject({ system, code, title })),
  chronic: long(code),
  procedures: long(codeTitle),
  medications: long(z.strictObject({ drug: drugName, dose: typed, route: typed, frequency: typed })),
  previous: long(drugName),
  allergies: long(typed),
  unmapped: long(typed),
  pregnancy,
  lactation,
  measurements: eachMeasurement(typed),
  notes: typed,
});

export const editorForm: z.ZodType<EditorForm> = z.discriminatedUnion('kind', [patientForm, visitForm]);

export const patientInput: z.ZodType<PatientInput> = z.strictObject({
  id: patientId,
  name: short,
  recordNumber: short.min(1).nullable(),
  sex,
  birthYear: z.int().nullable(),
});

export const visitInput: z.ZodType<VisitInput> = z.strictObject({
  id: visitId,
  patientId,
  date: z.string().max(20),
  dateKnown: z.boolean(),
  age: z.int(),
  ageMonths: z.int().nullable(),
  setting,
  specialty: code.nullable(),
  reasons: list(code),
  diagnoses: list(z.strictObject({ system, code })),
  chronic: list(code),
  procedures: list(code),
  currentMedications: list(drugId),
  previousMedications: long(drugId),
  medicationUse: list(z.strictObject({ drug: drugId, dose: short, route: short, frequency: short })),
  allergies: list(short),
  unmapped: list(short),
  pregnancy,
  lactation,
  measurements: eachMeasurement(z.number().nullable()),
  notes: z.string().max(LONGEST_NOTE),
});
