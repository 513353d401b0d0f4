import { configDefaults, defineConfig } from 'vitest/config'
import { globalSetups, longTests } from './vitest.config.ts'

/** The long forms of tests, one file at a time, so that what they measure is theirs. */
export default defineConfig({
  resolve: { conditions: ['@workflow/source'] },
  ssr: { resolve: { conditions: ['@workflow/source'] } },
  test: {
    include: [longTests],
    globalSetup: [...globalSetups],
    exclude: [...configDefaults.exclude, '**/dist/**'],
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    passWithNoTests: true,
  },
})
