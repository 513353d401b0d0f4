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

const projects = [...workspacePackages().map(({ folder }) => folder), 'scripts']

export default defineConfig({
  resolve: { conditions: ['@workflow/source'] },
  ssr: { resolve: { conditions: ['@workflow/source'] } },
  test: {
    projects: projects.map((folder) => ({
      extends: true,
      test: {
        name: folder.replace('packages/', ''),
        root: folder,
        include: ['**/*.test.ts'],
        exclude: [...configDefaults.exclude, '**/dist/**', longTests],
        ...(existsSync(globalSetupOf(folder)) ? { globalSetup: globalSetupOf(folder) } : {}),
      },
    })),
  },
})
