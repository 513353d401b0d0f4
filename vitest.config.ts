import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { workspacePackages } from './scripts/workspace-packages.ts'

/** What takes minutes and runs by command only: `pnpm unit:long`. */
export const longTests = '**/*.long.test.ts'

/** Starts the servers that the tests of a package talk to. */
const globalSetupOf = (folder: string): string => join(import.meta.dirname, folder, 'test', 'global-setup.ts')

/** The setups of all packages that have one, for runs without projects. */
export const globalSetups: readonly string[] = workspacePackages()
  .map(({ folder }) => globalSetupOf(folder))
  .filter((file) => existsSync(file))

/** Tests of servers mostly wait, and come after all others, so that no server takes the processor from what does not need it. */
const waitingMostly = { sequence: { groupOrder: 1 }, maxWorkers: 3 }

const projects = [...workspacePackages().map(({ folder }) => folder), 'scripts']

export default defineConfig({
  resolve: { conditions: ['@workflow/source'] },
  ssr: { resolve: { conditions: ['@workflow/source'] } },
  test: {
    // Limits for what hangs, with room for a busy machine: whatever has to be quick says so by a limit of its own.
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // Also on a machine of two cores: much of a test is waiting.
    maxWorkers: 2,
    projects: projects.map((folder) => ({
      extends: true,
      test: {
        name: folder.replace('packages/', ''),
        root: folder,
        include: ['**/*.test.ts'],
        exclude: [...configDefaults.exclude, '**/dist/**', longTests],
        ...(existsSync(globalSetupOf(folder)) ? { globalSetup: globalSetupOf(folder), ...waitingMostly } : {}),
      },
    })),
  },
})
