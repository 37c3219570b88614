/**
 * Two projects: `unit` is quick and runs on all cores, `e2e` starts real processes and runs file after file.
 *
 * Files run in child processes (`forks`): a native module that crashes takes its own file down only, and a
 * worker thread of ours is a thread of the main thread, as in production. Such threads and children load `.ts`
 * files by Node itself, not by Vite.
 */
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const perdure = fileURLToPath(new URL('./src/index.ts', import.meta.url))
const exclude = [...configDefaults.exclude, '**/dist/**']

export default defineConfig({
  test: {
    // what is printed by a passing test helps nobody; what a failing one printed is kept
    silent: 'passed-only',
    projects: [
      {
        resolve: { alias: { perdure } },
        test: {
          name: 'unit',
          pool: 'forks',
          include: ['src', 'scripts', 'sim', 'spec', 'bench'].map((folder) => `${folder}/**/*.test.ts`),
          exclude,
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        resolve: { alias: { perdure } },
        test: {
          name: 'e2e',
          pool: 'forks',
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
