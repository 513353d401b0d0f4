/**
 * `workflow-coverage`: runs the tests with a folder for their coverage, merges what all of their processes have written,
 * reports it, and fails below a threshold.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Coverage } from './coverage.ts'
import { clearCoverage, hasCoverage, readCoverage } from './folder.ts'
import { coverageFaults, coverageMermaid, coverageText, type CoverageThreshold } from './report.ts'

const usage = `Which paths of your workflows do your tests take?

  workflow-coverage [options] -- <command that runs the tests>
  workflow-coverage [options] --from <folder>      reports what earlier runs have left there

  --min <percent>              the least of transitions, timeouts and error paths each
  --min-transitions <percent>  one of them alone, also --min-timeouts and --min-errors
  --expect <workflow>          fails unless some test ran this one; may be repeated
  --format text|json|mermaid   (default: text)
  --out <file>                 writes the report there instead of printing it
  --keep <folder>              keeps what the tests have written, for --from, and not what was there before
  --help                       this text

Ends with the code of the tests if they fail, else with 1 below a threshold, else with 0.
`

const formats: { readonly [format: string]: (coverage: Coverage) => string } = {
  text: coverageText,
  json: (coverage) => `${JSON.stringify(coverage, undefined, 2)}\n`,
  mermaid: coverageMermaid,
}

/** Where a command writes, and what it changes: the process, by default. */
export interface CommandOutput {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

/** Runs the command with its arguments and resolves to its exit code. */
export async function coverageCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  try {
    return await run(args, output)
  } catch (error) {
    output.error(`workflow-coverage: ${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
}

async function run(args: readonly string[], output: CommandOutput): Promise<number> {
  const { values, command } = parsed(args)
  if (values.help === true) {
    output.out(usage)
    return 0
  }
  const { from, keep, format = 'text', expect = [] } = values
  const report = Object.hasOwn(formats, format) ? formats[format] : undefined
  if (report === undefined) throw new Error(`there is no format '${format}': it is text, json or mermaid`)
  const threshold = thresholdOf(values)
  if ((from === undefined) === (command.length === 0))
    throw new Error('say either how the tests are run, after --, or --from which folder to report; --help tells more')
  if (from !== undefined && keep !== undefined) throw new Error('--keep is for what tests write: with --from, leave it out')
  if (values.out !== undefined) mkdirSync(dirname(resolve(values.out)), { recursive: true })
  const folder = resolve(from ?? keep ?? mkdtempSync(join(tmpdir(), 'workflow-coverage-')))
  try {
    if (from === undefined) {
      clearCoverage(folder)
      const code = await testsEndWith(command, folder)
      if (code !== 0) return code
      if (!hasCoverage(folder))
        throw new Error(
          `no test that '${command.join(' ')}' ran has made a kit by testKit, or none of them was given the environment variable WORKFLOW_COVERAGE, which has the folder for their coverage`,
        )
    }
    const coverage = readCoverage(folder)
    const text = report(coverage)
    if (values.out === undefined) output.out(text)
    else writeFileSync(values.out, text)
    const names = new Set(coverage.workflows.map(({ workflow }) => workflow))
    const faults = [
      ...expect.filter((name) => !names.has(name)).map((name) => `${name}: no test ran this workflow`),
      ...coverageFaults(coverage, threshold),
    ]
    for (const fault of faults) output.error(`${fault}\n`)
    return faults.length === 0 ? 0 : 1
  } finally {
    if (from === undefined && keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

function parsed(args: readonly string[]) {
  const end = args.indexOf('--')
  const { values } = parseArgs({
    args: end < 0 ? [...args] : args.slice(0, end),
    options: {
      from: { type: 'string' },
      keep: { type: 'string' },
      min: { type: 'string' },
      'min-transitions': { type: 'string' },
      'min-timeouts': { type: 'string' },
      'min-errors': { type: 'string' },
      expect: { type: 'string', multiple: true },
      format: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  return { values, command: end < 0 ? [] : args.slice(end + 1) }
}

function thresholdOf(values: ReturnType<typeof parsed>['values']): CoverageThreshold {
  const least = (part: 'transitions' | 'timeouts' | 'errors'): CoverageThreshold => {
    const text = values[`min-${part}`] ?? values.min
    if (text === undefined) return {}
    const percent = Number(text)
    if (text.trim() === '' || !(percent >= 0 && percent <= 100)) throw new Error(`a threshold is a percentage, 0 to 100; got '${text}'`)
    return { [part]: percent }
  }
  return { ...least('transitions'), ...least('timeouts'), ...least('errors') }
}

async function testsEndWith([program = '', ...args]: readonly string[], folder: string): Promise<number> {
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...process.env, WORKFLOW_COVERAGE: folder },
    // There, what npm installs as commands are scripts of the shell.
    shell: process.platform === 'win32',
  })
  // Whoever ends this command ends the tests; a terminal's Ctrl+C goes to both by itself. Either way, what was made is cleared up.
  const pass = (signal: NodeJS.Signals): void => void (signal === 'SIGINT' || child.kill(signal))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  try {
    return await new Promise((done, fail) => {
      child.once('error', (error) => fail(new Error(`'${program}' cannot be run: ${error.message}`, { cause: error })))
      child.once('exit', (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
  } finally {
    for (const signal of signals) process.off(signal, pass)
  }
}
