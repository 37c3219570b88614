/**
 * Three projects: `unit` is quick, `sim` simulates and explores, `e2e` starts real processes and runs file after file.
 *
 * Files run in child processes (`forks`): a native module that crashes takes its own file down only, and a
 * worker thread of ours is a thread of the main thread, as in production. Such threads and children load `.ts`
 * files by Node itself, not by Vite.
 */
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const alias = {
  'perdure/testing': source('./src/testing/index.ts'),
  perdure: source('./src/index.ts'),
}
/** More inputs for each property take longer: see src/std/testdata/properties.ts. */
const patience = Math.max(1, Number(process.env.PROPERTY_RUNS ?? 1))
const setupFiles = ['scripts/lib/whole-coverage.ts']
const exclude = [...configDefaults.exclude, '**/dist/**']

export default defineConfig({
  test: {
    // what is printed by a passing test helps nobody; what a failing one printed is kept
    silent: 'passed-only',
    // measured where a stage of `npm test` asks for it; scripts/coverage.ts judges it
    coverage: {
      provider: 'v8',
      // the store runs in a thread, the command line in processes
      autoAttachSubprocess: true,
      reportOnFailure: true,
      reporter: 'json',
      include: ['src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.suite.ts', '**/testdata/**', '**/generated/**'],
    },
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          pool: 'forks',
          setupFiles,
          include: ['src', 'scripts', 'bench'].map((folder) => `${folder}/**/*.test.ts`),
          exclude,
          // longer than anything takes that is not stuck, counting of branches included
          testTimeout: 60_000 * patience,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'sim',
          pool: 'forks',
          include: ['sim', 'spec'].map((folder) => `${folder}/**/*.test.ts`),
          exclude,
          // as for `unit`: some seconds of reckoning, on a slow machine
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'e2e',
          pool: 'forks',
          setupFiles,
          include: ['test/e2e/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
