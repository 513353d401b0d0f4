/** What the gate is made of. */
import { join } from 'node:path'
import { root, workspacePackages } from '../workspace-packages.ts'

export interface GateStep {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** The step that must have ended before. */
  readonly after?: string
  /** Where vitest writes its results, for a step that runs it. */
  readonly vitestJson?: string
}

/** The steps in the order in which they start: the longest first. */
export function gateSteps(): readonly GateStep[] {
  const vitestJson = join(root, 'node_modules', '.cache', `vitest-${process.pid}.json`)
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${vitestJson}`]
  return [
    { name: 'tests', file: 'vitest', args: ['run', '--silent=passed-only', ...reporters], vitestJson },
    { name: 'format', file: 'biome', args: ['format', '.', '--max-diagnostics=10'] },
    { name: 'lint', file: 'oxlint', args: ['--format=unix', '--deny-warnings'] },
    { name: 'architecture', file: 'node', args: ['scripts/check-architecture.ts'] },
    { name: 'types', file: 'node', args: ['scripts/check-types.ts'] },
    { name: 'build', file: 'turbo', args: ['run', 'build', '--output-logs=errors-only', '--no-color'] },
    { name: 'docs', file: 'node', args: ['scripts/check-docs.ts'] },
    { name: 'unused', file: 'knip', args: ['--no-progress', '--no-config-hints'] },
    { name: 'packages', file: 'node', args: ['scripts/check-packages.ts'], after: 'build' },
    ...typeTests(),
    // The day's 5,000 seeds; alone, because tests beside it would wait for the processor.
    {
      name: 'simulation',
      file: 'node',
      args: [
        '--conditions=@workflow/source',
        'packages/testing/test/simulation/command.ts',
        ...['--workers', '2', '--runs', '15', '--faults', '15'],
      ],
      after: 'tests',
    },
  ]
}

/** Promises of the public types, on every compiler that users may have. */
function typeTests(): readonly GateStep[] {
  return workspacePackages()
    .filter(({ manifest }) => manifest.scripts?.['test:types'] !== undefined)
    .map(({ folder, manifest }) => ({
      name: `types:${manifest.name.replace('@workflow/', '')}`,
      file: 'pnpm',
      args: ['--dir', folder, 'run', 'test:types'],
    }))
}
