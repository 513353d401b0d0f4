/** One seed of a random workflow, and what is told about it. */
import { preload } from '../../src/simulation/preload.ts'
import { runSeed, shortTrace, shrunk, type SeedOptions } from '../../src/simulation/seed-run.ts'
import type { SeedResult } from '../../src/simulation/simulation.ts'
import { faultKinds } from '../../src/simulation/fault.ts'
import { randomWorkflow } from './random/random-workflow.ts'

export async function runRandomSeed(options: SeedOptions, onTrace?: (line: string) => void): Promise<SeedResult> {
  await preload()
  return await runSeed(randomWorkflow(options.seed), options, onTrace)
}

/** What is said of one seed: its whole trace if asked for, else, if it fails, a short one with as little as possible. */
export async function told(options: SeedOptions, whole: boolean): Promise<{ readonly lines: readonly string[]; readonly failed: boolean }> {
  await preload()
  const subject = randomWorkflow(options.seed)
  const all: string[] = []
  const result = await runSeed(subject, options, whole ? (line) => all.push(line) : undefined)
  const { violation } = result
  const counts = `${result.events} events, ${result.runs} runs, ${result.struck.length} faults, ${(result.virtualMs / 1_000).toFixed(1)} s of virtual time, trace ${result.hash}`
  if (violation === undefined) return { lines: [...all, `seed ${options.seed}: no promise broken; ${counts}`], failed: false }
  const broken = `seed ${options.seed} breaks "${violation.invariant}": ${violation.message}`
  if (whole) return { lines: [...all, broken, counts], failed: true }
  const small = await shrunk(subject, options, result)
  const short = await shortTrace(subject, small)
  return { lines: [...short.lines, broken, `replay: ${replayCommand(small)}`], failed: true }
}

/** The command that makes a seed happen again, exactly. */
export function replayCommand({ seed, runs, faults, without, kinds }: SeedOptions): string {
  const some = kinds.length === faultKinds.length ? '' : ` --kinds '${kinds.join(',')}'`
  return `pnpm simulate --seed ${seed} --runs ${runs} --faults ${faults}${without.length === 0 ? '' : ` --without ${without.join(',')}`}${some} --trace`
}
