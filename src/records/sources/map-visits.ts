/**
 * Visits of one patient with drugs as written → records of the visit format with ingredients. The drugs of the visit before
 * become the previous drugs. Reads no source and counts no drug: a source knows which of its entries stand in two visits.
 */

import { createHash } from 'node:crypto';
import type { VisitRecord } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import { bounded } from './codes.ts';
import type { CountedMention, SourceContext, SourceVisit } from './source.ts';

export interface MappedVisit {
  readonly record: Omit<VisitRecord, 'drugs'> & { readonly drugs?: readonly DrugId[] };
  readonly origin: SourceVisit['origin'];
  /** SHA-256 of what the source says, before any mapping: the same source is recognised under another table. */
  readonly hash: string;
}

const LONGEST_NAME = 300;

/** @param visits of one patient, oldest first */
export function mapVisits(visits: readonly SourceVisit[], context: SourceContext): MappedVisit[] {
  const read = visits.map((visit) => ({
    visit,
    drugs: visit.drugs && readMentions(visit.drugs, context),
    current: readMentions(visit.current, context),
    previous: visit.previous && readMentions(visit.previous, context),
  }));
  return read.map(({ visit, drugs, current, previous }, at) => {
    const before = read
      .slice(0, visit.episode ? undefined : at)
      .findLast(
        (other) => other.drugs?.ids.length && other.visit.dx.length > 0 && isBefore(other.visit, visit),
      );
    const {
      origin,
      drugs: _written,
      current: _taken,
      previous: _earlier,
      episode: _episode,
      ...rest
    } = visit;
    const {
      visit: id,
      patient,
      year,
      date,
      clinician,
      age,
      sex,
      setting,
      reasons,
      dx_system,
      dx,
      chronic,
      procedures,
      ...more
    } = rest;
    const unmapped = bounded(
      [...(drugs?.unmapped ?? []), ...current.unmapped, ...(previous?.unmapped ?? [])],
      context.log,
      'unmapped drugs',
    );
    return {
      origin,
      hash: createHash('sha256')
        // The months follow from the days; imports from before they were read are to be recognised.
        .update(JSON.stringify({ ...visit, origin: undefined, age_months: undefined }))
        .digest('hex'),
      // The order in which data/sites has written its fields from the start.
      record: {
        visit: id,
        ...(patient === undefined ? {} : { patient }),
        year,
        ...(date === undefined ? {} : { date }),
        ...(clinician === undefined ? {} : { clinician }),
        age,
        sex,
        ...(setting === undefined ? {} : { setting }),
        reasons,
        dx_system,
        dx,
        chronic,
        procedures,
        previous: previous?.ids ?? before?.drugs?.ids ?? [],
        ...(drugs ? { drugs: drugs.ids } : {}),
        ...(current.ids.length > 0 ? { current: current.ids } : {}),
        ...(unmapped.length > 0 ? { unmapped } : {}),
        ...more,
      },
    };
  });
}

function isBefore(a: SourceVisit, b: SourceVisit): boolean {
  if (!a.episode || !b.episode) return true;
  return a.episode.id === b.episode.id ? a.episode.position < b.episode.position : a.year < b.year;
}

function readMentions(
  mentions: readonly CountedMention[],
  { drugs, log }: SourceContext,
): { readonly ids: readonly DrugId[]; readonly unmapped: readonly string[] } {
  const ids: DrugId[] = [];
  const unmapped: string[] = [];
  for (const mention of mentions) {
    const reading = drugs.read(mention);
    if (reading.kind === 'drug') ids.push(...reading.drugs);
    else if (reading.kind === 'unmapped') {
      const [code] = mention.codes;
      const written =
        mention.name !== '' ? mention.name : code ? `${code.system.toUpperCase()} ${code.code}` : '';
      if (written.trim() !== '') unmapped.push(written.trim().slice(0, LONGEST_NAME));
    }
  }
  return { ids: bounded(ids, log, 'drugs').sort(), unmapped };
}
