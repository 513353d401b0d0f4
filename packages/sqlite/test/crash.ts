/** `node --conditions=@workflow/source test/crash.ts --cycles 200 [--seed n] [--lease 3s] [--keep]`: the crash test at length. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Duration } from '@workflow/core'
import { crashCycles } from './crash/crash-cycles.ts'

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
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'workflow-crash-'))
say(`seed ${values.seed}, ${values.cycles} cycles, in ${folder}`)
const result = await crashCycles({
  folder,
  cycles: Number(values.cycles),
  seed: Number(values.seed),
  // Checked where it is used.
  lease: values.lease as Duration,
  lifeMsMax: Number(values.life),
  runsPerCycle: Number(values.runs),
  progress: say,
})
const { faults, recoveriesMs, enginePauses, ...counts } = result
const sorted = recoveriesMs.toSorted((a, b) => a - b)
say(JSON.stringify(counts))
say(
  `recovery from no process alive to the first handler call: ${sorted.length} times, median ${sorted[Math.floor(sorted.length / 2)]} ms, at most ${sorted.at(-1)} ms`,
)
for (const pause of enginePauses) say(`paused by the engine: ${pause}`)
for (const fault of faults) say(fault)
say(`seed ${values.seed}: ${faults.length} faults`)
if (faults.length === 0 && !values.keep) rmSync(folder, { recursive: true })
else say(`database and ledger are in ${folder}`)
process.exitCode = faults.length === 0 ? 0 : 1
