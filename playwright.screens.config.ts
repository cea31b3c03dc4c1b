import { defineConfig } from '@playwright/test';

// `npm run screens`: pictures of every screen for people to look at, not a test. Not part of `npm test`.
export default defineConfig({
  testDir: 'tests/e2e/screens',
  testMatch: '**/*.screens.ts',
  outputDir: 'test-results',
  workers: 1,
  timeout: 3_000_000,
  expect: { timeout: 60_000 },
  use: { actionTimeout: 60_000 },
  reporter: [['list']],
});
