/** The kit under the real test runners: each runs the same tests, in as many processes as it likes, and fails where it should. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Coverage, coverageText } from '../../src/kit/coverage/index.ts'

const require = createRequire(import.meta.url)
const here = join(import.meta.dirname, 'runners')
const command = join(import.meta.dirname, '../../bin/workflow-coverage.mjs')
const folders = mkdtempSync(join(tmpdir(), 'workflow-runners-test-'))
afterAll(() => rmSync(folders, { recursive: true }))
const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs')
const jest = join(dirname(require.resolve('jest/package.json')), 'bin/jest.js')

interface Runner {
  readonly name: string
  /** The command that runs these cases. */
  readonly run: (...cases: readonly string[]) => readonly string[]
}

const runners: readonly Runner[] = [
  {
    name: 'vitest',
    run: (...cases) => [vitest, 'run', '--config', join(here, 'vitest/vitest.config.ts'), ...cases.map((each) => `${each}.case`)],
  },
  {
    name: 'node:test',
    run: (...cases) => ['--conditions=@workflow/source', '--test', ...cases.map((each) => join(here, 'node-test', `${each}.case.ts`))],
  },
  {
    name: 'jest',
    run: (...cases) => [
      '--experimental-vm-modules',
      jest,
      '--config',
      join(here, 'jest/jest.config.mjs'),
      '--ci',
      ...cases.map((each) => `${each}.case`),
    ],
  },
]

/** What a runner sets for its own workers must not reach another one. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|JEST|NODE_OPTIONS|NODE_V8_COVERAGE|NODE_ENV|TEST$|MODE$|DEV$|PROD$|WORKFLOW_)/.test(name),
  ),
)

function execute(args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args],
      { env: { ...env, NO_COLOR: '1' }, timeout: 100_000, killSignal: 'SIGKILL' },
      (failure, out, error) => {
        resolve({ code: failure === null ? 0 : typeof failure.code === 'number' ? failure.code : 1, out, error })
      },
    )
  })
}

test.each(runners)(
  '$name: coverage of all its test files comes together, and a threshold fails the run',
  { timeout: 120_000 },
  async ({ name, run }) => {
    const folder = join(folders, name.replace(':', '-'))
    const report = join(folders, `${name.replace(':', '-')}.json`)
    const reported = await execute([
      '--conditions=@workflow/source',
      command,
      '--keep',
      folder,
      '--expect',
      'expense',
      '--min-transitions',
      '70',
      '--format',
      'json',
      '--out',
      report,
      '--',
      process.execPath,
      ...run('small', 'large'),
    ])
    expect(`${reported.out}${reported.error}`).toContain('expense: 3 of 5 transitions are covered, 60 %, and 70 % is the least')
    expect(reported.code).toBe(1)
    // One per test file at least: each runs in a process, thread or context of its own.
    expect(readdirSync(folder).length).toBeGreaterThanOrEqual(2)
    const { default: coverage } = (await import(report, { with: { type: 'json' } })) as { readonly default: Coverage }
    expect(coverageText(coverage).split('\n').slice(0, 3)).toEqual([
      'expense: 3 of 5 transitions (60 %), 1 of 1 timeouts (100 %), 0 of 3 error paths (0 %), by 2 runs in 3 kits',
      '  not taken     callback asking -> paid',
      '  not taken     callback asking -> declined',
    ])
  },
)

test.each(runners)('$name: a test that waits for what never comes fails with who waits for what', { timeout: 120_000 }, async ({ run }) => {
  const { code, out, error } = await execute(run('broken'))
  expect(code).not.toBe(0)
  const said = `${out}${error}`
  expect(said).toContain("waitFor('e1', 'paid') of workflow 'expense' waits in vain")
  expect(said).toContain("In a test: kit.triggerCallbackOn('e1', 'asking', …)")
  // Where the test waits, not where the kit found out.
  expect(said).toMatch(/broken\.case\.m?[jt]s:\d+/)
})
