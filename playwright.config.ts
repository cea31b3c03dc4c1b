import { defineConfig } from '@playwright/test';

// End-to-end tests in real Electron. scripts/e2e.mjs builds, prepares the runtime and the screen, then runs this.
export default defineConfig({
  testDir: 'tests/e2e',
  testMatch: '**/*.e2e.ts',
  outputDir: 'test-results',
  workers: Number(process.env['FLAME_E2E_WORKERS'] ?? 1), // each test opens an app of its own
  forbidOnly: Boolean(process.env['CI']),
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: process.env['FLAME_E2E_REPORT'] ?? 'test-results/e2e.json' }]],
});
