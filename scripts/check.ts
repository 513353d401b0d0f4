/**
 * The gate: everything that must hold before a change is taken, in one command. `pnpm check` runs it all,
 * `pnpm check lint types` only what is named, `pnpm check --list` says what there is. The last line counts the tests and
 * checks that passed and failed.
 */
import { availableParallelism } from 'node:os'
import { type GateStep, gateSteps } from './gate/gate-steps.ts'
import { runStep, stopAll } from './gate/run-step.ts'
import type { StepResult } from './gate/step-result.ts'
import { tally } from './gate/tally.ts'

const indent = '        '
const asked = process.argv.slice(2)
const steps = gateSteps()
if (asked.includes('--list')) {
  for (const { name } of steps) console.log(name)
} else {
  const unknown = asked.filter((name) => !steps.some((step) => step.name === name))
  if (unknown.length > 0) throw new Error(`no such check: ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}`)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopAll(signal))
  await runGate(steps.filter(({ name }) => asked.length === 0 || asked.includes(name)))
}

/** Two at a time on two cores: the tests keep one busy, the short checks take turns on the other. */
async function runGate(chosen: readonly GateStep[]): Promise<void> {
  const results = new Map<string, StepResult>()
  const running = new Map<string, Promise<void>>()
  const waiting = [...chosen]
  const start = (step: GateStep): void => {
    const ended = runStep(step).then((result) => {
      results.set(step.name, result)
      running.delete(step.name)
      report(step, result)
    })
    running.set(step.name, ended)
  }
  while (waiting.length > 0 || running.size > 0) {
    const ready = waiting.findIndex(({ after }) => after === undefined || results.has(after) || !chosen.some(({ name }) => name === after))
    if (ready >= 0 && running.size < Math.min(2, availableParallelism())) start(...(waiting.splice(ready, 1) as [GateStep]))
    else await Promise.race(running.values())
  }
  const { passed, failed } = tally([...results.values()])
  process.exitCode = failed === 0 ? 0 : 1
  console.log(`${passed} passed, ${failed} failed`)
}

function report({ name }: GateStep, result: StepResult): void {
  const seconds = (result.ms / 1000).toFixed(1)
  const last = result.output.trimEnd().split('\n').at(-1) ?? ''
  if (result.ok)
    console.log(
      `ok      ${name.padEnd(14)} ${seconds.padStart(6)} s  ${result.summary?.replaceAll('\n', `\n${indent}`) ?? last.slice(0, 120)}`,
    )
  else console.log(`FAILED  ${name.padEnd(14)} ${seconds.padStart(6)} s\n${result.output.trimEnd().replaceAll(/^/gm, indent)}`)
}
