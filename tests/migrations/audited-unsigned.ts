/**
 * What the last version of Flame without signatures (schema 5) wrote for two audited decisions: rows and hashes as its own
 * code left them, frozen.
 */

const SOURCE =
  '{"source":"ndf-rt","severity":3,"nativeSeverity":"Critical","effect":"bleeding","citation":"NDF-RT 2014","reviewed":true}';
const AMIODARONE = '[{"id":"amiodarone","name":"amiodarone","drugClass":null}]';
const VIEWED = '93a42579dd59781e2a83e8f8fd70b31092cc5fac273970206f7e118b8dc4300e';
const FIRST_SAVED = '4e47297d3b0fbb3712736709a15138e1248a10b90f6f145214e026d927d95e6c';
const SECOND_SAVED = 'af60e3966ce5d856124d5cdd48dc755bd6fd02f82cdcedd3d5fec4153c0abe04';

/** SHA-256 of each decision by its id, as its audit entry holds it. */
export const UNSIGNED_SHA256 = {
  d1: 'b12cf101628b1e19aec50a951dcd95d0c5d785a536931289079e636e26c8be28',
  d2: '7f4370d70e2ec7fd648ff5e74d14050b1b06f56f9156735ab4e4ae6bfb141c5c',
} as const;

/** Into an empty database of schema 5: `d1` accepted an interacting pair for a reason, `d2` exchanged the drug. */
export const AUDITED_UNSIGNED = `
  INSERT INTO patients (id, demo, name, sex, birth_year) VALUES ('p1', 0, 'Zoë Müller-Ångström', 'F', 1950);
  INSERT INTO visits (id, patient, demo, date, date_known, year, age, sex, setting, specialty, notes, prescribed_known,
    problem_words, drug_words)
    VALUES ('v1', 1, 0, '2009-03-01', 1, 2009, 59, 'F', 'office', '1', '', 1, 'I10', 'warfarin');
  INSERT INTO recommendations (id, visit, created_at, model_name, model_version, knowledge_version, context_hash, reply)
    VALUES ('r1', 1, '2026-01-02T03:04:05.678Z', 'cls', '1', 'k1', 'c0ffee', '{}');
  INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version, knowledge_version,
    proposed, final, added, removed, interactions, comment)
    VALUES ('d1', 1, 1, '2026-01-02T03:05:00.000Z', 0.5, 'cls', '1', 'k1', '${AMIODARONE}', '${AMIODARONE}', '[]', '[]',
      '[{"a":"amiodarone","b":"warfarin","severity":3,"disputed":false,"sources":[${SOURCE}]}]',
      'agreed with the patient'),
    ('d2', 1, 1, '2026-01-02T04:05:00.000Z', 1, 'cls', '1', 'k1', '${AMIODARONE}',
      '[{"id":"metformin","name":"metformin","drugClass":"biguanides"}]', '["metformin"]', '["amiodarone"]', '[]', '');
  INSERT INTO decision_overrides VALUES (1, 0, 'amiodarone', 'warfarin', 3, 'will-monitor', 'INR weekly');
  INSERT INTO audit_entries VALUES
    (1, '2026-01-02T03:04:00.000Z', 'local', 'visit.viewed', 'v1', '{}', '${'0'.repeat(64)}', '${VIEWED}'),
    (2, '2026-01-02T03:05:00.000Z', 'local', 'decision.saved', 'd1',
      '{"visit":"v1","final":["amiodarone"],"overrides":1,"sha256":"${UNSIGNED_SHA256.d1}"}', '${VIEWED}', '${FIRST_SAVED}'),
    (3, '2026-01-02T04:05:00.000Z', 'local', 'decision.saved', 'd2',
      '{"visit":"v1","final":["metformin"],"overrides":0,"sha256":"${UNSIGNED_SHA256.d2}"}', '${FIRST_SAVED}', '${SECOND_SAVED}');
`;
