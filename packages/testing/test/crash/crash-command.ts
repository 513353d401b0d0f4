/** The crash test at length: reads the command line, tells how it goes, and ends with 1 if a promise was broken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Duration } from '@workflow/core'
import { crashCycles, type CrashResult } from './crash-cycles.ts'
import type { CrashTarget } from './crash-target.ts'

/** A target and how to leave it. */
export interface OpenedTarget extends AsyncDisposable {
  readonly target: CrashTarget
}

/** `--cycles 200 [--seed n] [--lease 3s] [--life ms] [--runs n] [--keep]`. */
export async function crashCommand(openTarget: (folder: string, lease: Duration) => Promise<OpenedTarget>): Promise<void> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      lease: { type: 'string', default: '3s' },
      life: { type: 'string', default: '5000' },
      runs: { type: 'string', default: '500' },
      keep: { type: 'boolean', default: false },
    },
  })
  const folder = mkdtempSync(join(tmpdir(), 'workflow-crash-'))
  say(`seed ${values.seed}, ${values.cycles} cycles, in ${folder}`)
  // Checked where it is used.
  const opened = await openTarget(folder, values.lease as Duration)
  try {
    const result = await crashCycles({
      target: opened.target,
      folder,
      cycles: Number(values.cycles),
      seed: Number(values.seed),
      lifeMsMax: Number(values.life),
      runsPerCycle: Number(values.runs),
      progress: say,
    })
    report(result)
    say(`seed ${values.seed}: ${result.faults.length} faults`)
    if (result.faults.length === 0 && !values.keep) rmSync(folder, { recursive: true })
    else say(`what is left is in ${folder}`)
    process.exitCode = result.faults.length === 0 ? 0 : 1
  } finally {
    if (!values.keep) await opened[Symbol.asyncDispose]()
  }
}

function report({ faults, restartsMs, takeoversMs, strikes, enginePauses, ...counts }: CrashResult): void {
  say(JSON.stringify(counts))
  for (const [what, times] of strikes) say(`from the end of '${what}' to the next handler call: ${spread(times)}`)
  say(`from no process alive to the first handler call: ${spread(restartsMs)}`)
  say(`from a kill to the last of the dead worker's slots at work elsewhere: ${spread(takeoversMs)}`)
  for (const pause of enginePauses) say(`paused by the engine: ${pause}`)
  for (const fault of faults) say(fault)
}

function spread(times: readonly number[]): string {
  if (times.length === 0) return 'never seen'
  const sorted = times.toSorted((a, b) => a - b)
  return `${sorted.length} times, median ${sorted[Math.floor(sorted.length / 2)]} ms, at most ${sorted.at(-1)} ms`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
