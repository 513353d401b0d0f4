/**
 * `pnpm simulate`: random workflows under random faults. `--seeds N --from S --workers W` runs many, `--seed S --trace` shows
 * one; `--runs`, `--faults`, `--without 3,5`, `--kinds 'reply lost'` as a failure prints them.
 */
import { parseArgs } from 'node:util'
import { faultKinds, type FaultKind } from '../../src/simulation/fault.ts'
import { invariants } from '../../src/simulation/oracle.ts'
import type { SeedOptions } from '../../src/simulation/seed-run.ts'
import { dailySeeds } from './daily-seeds.ts'
import { Progress } from './progress.ts'
import { replayCommand, told } from './random-seed.ts'
import { inWorkers } from './workers.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string', default: '1' },
    runs: { type: 'string', default: '50' },
    faults: { type: 'string', default: '20' },
    without: { type: 'string', default: '' },
    kinds: { type: 'string', default: '' },
    trace: { type: 'boolean', default: false },
    daily: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

function whole(name: 'seeds' | 'from' | 'seed' | 'workers' | 'runs' | 'faults', text: string, least: number): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least) throw new Error(`--${name} must be a whole number, ${least} or more; got '${text}'`)
  return number
}

function kindsOf(text: string): readonly FaultKind[] {
  if (text === '') return faultKinds
  return text.split(',').map((kind) => {
    const known = faultKinds.find((each) => each === kind.trim())
    if (known === undefined) throw new Error(`--kinds: there is no '${kind.trim()}'; there are ${faultKinds.join(', ')}`)
    return known
  })
}

const options: Omit<SeedOptions, 'seed'> = {
  runs: whole('runs', values.runs, 1),
  faults: whole('faults', values.faults, 0),
  without: values.without === '' ? [] : values.without.split(',').map(Number),
  kinds: kindsOf(values.kinds),
}

async function one(seed: number): Promise<void> {
  const { lines, failed } = await told({ ...options, seed }, values.trace)
  for (const line of lines) say(line)
  process.exitCode = failed ? 1 : 0
}

async function many(): Promise<void> {
  const daily = dailySeeds(new Date())
  const from = values.from === undefined ? daily.from : whole('from', values.from, 0)
  const seeds = values.seeds === undefined ? daily.seeds : whole('seeds', values.seeds, 1)
  say(`seeds ${from} to ${from + seeds - 1}, ${options.runs} runs and ${options.faults} faults each`)
  const progress = new Progress(seeds, say)
  const failures = await inWorkers({ from, seeds, workers: whole('workers', values.workers, 1), options }, (done) => progress.done(done))
  progress.end()
  for (const { seed, invariant, message } of failures) {
    say(`\nseed ${seed} breaks "${invariant}" (${invariants[invariant]}):\n  ${message}`)
    say(`  ${replayCommand({ ...options, seed })}`)
  }
  const [first] = failures
  if (first === undefined) return say(`seeds ${from} to ${from + seeds - 1}: no promise broken`)
  process.exitCode = 1
  say(`\nseed ${first.seed} with as little as possible:`)
  for (const line of (await told({ ...options, seed: first.seed }, false)).lines) say(line)
}

if (values.help) {
  say('pnpm simulate [--seeds N] [--from S] [--workers W] [--runs N] [--faults N] [--kinds a,b]')
  say('pnpm simulate --seed S [--trace] [--runs N] [--faults N] [--without 3,5]')
} else if (values.seed !== undefined) await one(whole('seed', values.seed, 0))
else await many()
