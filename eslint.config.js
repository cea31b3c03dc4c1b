import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';
import { constantSql } from './scripts/lint/constant-sql.js';
import { noNetwork } from './scripts/lint/no-network.js';

// The house rules of ARCHITECTURE.md, enforced: who may import what.
const flame = { rules: { 'no-network': noNetwork, 'constant-sql': constantSql } };
const onlyNn = { name: 'onnxruntime-node', message: 'Only src/nn/session.ts talks to ONNX Runtime.' };
const onlyStore = { name: 'better-sqlite3', message: 'Only src/engine/store talks to SQLite.' };
const onlyShell = { name: 'electron', message: 'Only src/main and src/preload know Electron.' };
const onlyGraph = { regex: '^d3($|-)', message: 'Only src/renderer/graph uses d3.' };

/** Rooms a folder may not look into: the one-way arrows of ARCHITECTURE.md. */
function room(
  files,
  forbiddenRooms,
  { paths = [onlyNn, onlyStore, onlyShell], node = true, d3 = false } = {},
) {
  const patterns = [
    ...forbiddenRooms.map((name) => ({
      regex: `(^|/)\\.\\./(.*/)?${name}/`,
      message: `This room may not import from ${name}.`,
    })),
    ...(node ? [] : [{ regex: '^node:', message: 'This room runs without Node.' }]),
    ...(d3 ? [] : [onlyGraph]),
  ];
  return {
    files,
    rules: { 'no-restricted-imports': ['error', { paths, patterns }] },
  };
}

export default ts.config(
  {
    ignores: [
      'out/**',
      'release/**',
      'node_modules/**',
      '.cache/**',
      'coverage/**',
      'test-results/**',
      'scripts/default_app/**',
    ],
  },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.node, ...globals.browser },
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'scripts/*.mjs', 'scripts/*.cjs'] },
        extraFileExtensions: ['.svelte'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Flame has no network at run time.' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'off', // noUncheckedIndexedAccess makes it the honest form in numeric loops
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: {
        projectService: true,
        extraFileExtensions: ['.svelte'],
        parser: ts.parser,
        svelteConfig,
      },
    },
  },
  room(
    ['src/shared/**'],
    [
      'knowledge',
      'checks',
      'notes',
      'records',
      'nn',
      'flame',
      'engine',
      'main',
      'preload',
      'renderer',
      'cli',
    ],
    {
      node: false,
    },
  ),
  room(
    ['src/knowledge/**', 'src/records/**'],
    ['checks', 'notes', 'nn', 'flame', 'engine', 'main', 'preload', 'renderer', 'cli'],
  ),
  ...['checks', 'notes'].map((name) =>
    room(
      [`src/${name}/**`],
      [
        name === 'notes' ? 'checks' : 'notes',
        'records',
        'nn',
        'flame',
        'engine',
        'main',
        'preload',
        'renderer',
        'cli',
      ],
      { node: false },
    ),
  ),
  room(
    ['src/nn/**'],
    [
      'shared',
      'knowledge',
      'checks',
      'notes',
      'records',
      'flame',
      'engine',
      'main',
      'preload',
      'renderer',
      'cli',
    ],
  ),
  room(
    ['src/nn/session.ts'],
    ['shared', 'knowledge', 'checks', 'notes', 'records', 'flame', 'engine', 'main', 'renderer', 'cli'],
    {
      paths: [onlyStore, onlyShell],
    },
  ),
  room(['src/flame/**'], ['checks', 'notes', 'engine', 'trainer', 'main', 'preload', 'renderer', 'cli']),
  // The training process must never come near the database.
  room(['src/trainer/**'], ['checks', 'records', 'notes', 'engine', 'main', 'preload', 'renderer', 'cli']),
  room(['src/engine/**'], ['main', 'preload', 'renderer', 'cli'], { paths: [onlyNn, onlyShell, onlyStore] }),
  room(['src/engine/store/**'], ['main', 'preload', 'renderer', 'cli'], { paths: [onlyNn, onlyShell] }),
  room(['src/cli/**'], ['main', 'preload', 'renderer']),
  room(
    ['src/main/**', 'src/preload/**'],
    ['knowledge', 'checks', 'notes', 'records', 'nn', 'flame', 'engine', 'renderer', 'cli'],
    {
      paths: [onlyNn, onlyStore],
    },
  ),
  room(
    ['src/renderer/**'],
    ['knowledge', 'checks', 'notes', 'records', 'nn', 'flame', 'engine', 'main', 'preload', 'cli'],
    {
      node: false,
    },
  ),
  room(
    ['src/renderer/graph/**'],
    ['knowledge', 'checks', 'notes', 'records', 'nn', 'flame', 'engine', 'main', 'preload', 'cli'],
    {
      node: false,
      d3: true,
    },
  ),
  {
    // These tests need Node, which src/shared/tsconfig.json keeps out of the room.
    files: ['src/shared/**/*.test.ts'],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.tests.json' } },
  },
  {
    files: ['**/*.test.ts', 'tests/**', 'scripts/**'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    // Everything that runs on a user's computer.
    files: ['src/**'],
    // loopback.ts is the one door: loopback addresses only, off until switched on (docs/decisions/0020-data-out.md).
    ignores: ['**/*.test.ts', 'src/engine/hooks/loopback.ts'],
    plugins: { flame },
    rules: { 'flame/no-network': 'error' },
  },
  {
    // handle.ts is the door that the statements go through; migrations are whole scripts.
    files: ['src/**/*.ts'],
    ignores: ['**/*.test.ts', 'src/engine/store/handle.ts', 'src/engine/store/migrate.ts'],
    plugins: { flame },
    rules: { 'flame/constant-sql': 'error' },
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], ...ts.configs.disableTypeChecked },
);
