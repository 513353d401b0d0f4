/** Runs one step of the gate and keeps what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { root } from '../workspace-packages.ts'
import type { GateStep } from './gate-steps.ts'
import type { StepResult } from './step-result.ts'
import { failuresFirst, skippedAloud, vitestCounts } from './tally.ts'

/** Quiet machines need a quarter of an hour for the whole gate; a busy one must not fail for being busy. */
const stepMsMax = 40 * 60_000
/** So many tests that were left out are named. */
const namedMax = 20
const children = new Set<ChildProcess>()

/** Never rejects: what could not be run has failed. */
export async function runStep(step: GateStep): Promise<StepResult> {
  const startedMs = performance.now()
  const { code, output } = await finished(step)
  const ms = performance.now() - startedMs
  if (step.vitestJson === undefined) return { ok: code === 0, ms, output }
  const tests = existsSync(step.vitestJson)
    ? vitestCounts(readFileSync(step.vitestJson, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0, skippedNames: [] }
  rmSync(step.vitestJson, { force: true })
  const names = tests.skippedNames.slice(0, namedMax).map((name) => `SKIPPED ${name}`)
  const summary = [`${tests.passed} tests, ${tests.skipped} skipped`, ...skippedAloud(output), ...names].join('\n')
  return { ok: code === 0 && tests.failed === 0, ms, output: `${summary}\n${failuresFirst(output)}`, tests, summary }
}

/** Hands a signal on to whatever runs. */
export function stopAll(signal: NodeJS.Signals): void {
  for (const child of children) child.kill(signal)
}

function finished({ file, args }: GateStep): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((done) => {
    // Plain text: the tools would colour their output for the terminal that they do not have.
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, TURBO_TELEMETRY_DISABLED: '1' }
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: stepMsMax })
    let output = ''
    children.add(child)
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', (error) => done({ code: null, output: `could not run ${file}: ${error.message}` }))
    child.on('close', (code) => {
      children.delete(child)
      done({ code, output })
    })
  })
}
