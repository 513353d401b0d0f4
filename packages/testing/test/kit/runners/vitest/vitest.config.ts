import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions: ['@workflow/source'] },
  ssr: { resolve: { conditions: ['@workflow/source'] } },
  test: { include: ['*.case.ts'] },
})
