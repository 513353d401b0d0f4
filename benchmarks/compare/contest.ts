/** Measures one contender: warm-up, latency when idle, throughput, latency at half of that, a burst, and an audit. */
import { percentile } from '../harness/samples.ts'
import type { Asked } from './asked.ts'
import type { Facts } from './contender.ts'
import { ContenderProcess } from './contender-process.ts'
import type { Audit, Throughput } from './orders.ts'
import type { Place } from './server.ts'

export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** All times in milliseconds, all sizes in bytes. */
export interface Outcome {
  readonly name: string
  readonly facts: Facts
  readonly burstPerSecond: number
  readonly windowPerSecond: number
  /** The number of runs in flight that gave the most. */
  readonly window: number
  readonly backToBack: Latency
  readonly paced: Latency
  readonly halfLoad: Latency
  /** Per 1,000 runs, of the contender's process and of the server. */
  readonly clientCpuSeconds: number
  readonly serverCpuSeconds: number | undefined
  readonly rssBytes: number
  /** Per run. */
  readonly databaseBytes: number
  readonly logBytes: number
  readonly audit: Audit
}

const warmUpSeconds = 3
const backToBackRuns = 200
export const pacePerSecond = 50

/** Throws if it fails on the way. What the audit says is for the caller to judge. */
export async function contest(name: string, module: string, place: Place, asked: Asked): Promise<Outcome> {
  await using contender = new ContenderProcess(module, place.url)
  const facts = await contender.ready()
  await contender.do({ do: 'window', size: Math.max(...asked.windows), seconds: Math.min(warmUpSeconds, asked.seconds) })
  const backToBack = latencyOf(await contender.do({ do: 'back to back', runs: Math.min(backToBackRuns, asked.runs) }))
  const paced = latencyOf(await contender.do({ do: 'paced', perSecond: pacePerSecond, seconds: asked.seconds }))
  const best = await bestWindow(contender, place, asked)
  const halfLoad = latencyOf(await contender.do({ do: 'paced', perSecond: Math.max(1, best.windowPerSecond / 2), seconds: asked.seconds }))
  const burst = await contender.do({ do: 'burst', runs: asked.runs })
  const audit = await contender.do({ do: 'audit' })
  return { name, facts, ...best, backToBack, paced, halfLoad, burstPerSecond: perSecond(burst), audit }
}

type AtFullLoad = Pick<
  Outcome,
  'windowPerSecond' | 'window' | 'clientCpuSeconds' | 'serverCpuSeconds' | 'rssBytes' | 'databaseBytes' | 'logBytes'
>

/** What it costs is read where it is fastest. */
async function bestWindow(contender: ContenderProcess, place: Place, { windows, seconds }: Asked): Promise<AtFullLoad> {
  let best: AtFullLoad | undefined
  for (const size of windows) {
    await place.settle()
    const before = await place.read()
    const measured = await contender.do({ do: 'window', size, seconds })
    const after = await place.read()
    const runs = measured.allRuns
    if (best !== undefined && best.windowPerSecond >= perSecond(measured)) continue
    best = {
      windowPerSecond: perSecond(measured),
      window: size,
      // Milliseconds per run are seconds per 1,000 runs.
      clientCpuSeconds: measured.cpuMs / runs,
      serverCpuSeconds: before.cpuMs === undefined || after.cpuMs === undefined ? undefined : (after.cpuMs - before.cpuMs) / runs,
      rssBytes: measured.rssBytes,
      databaseBytes: (after.databaseBytes - before.databaseBytes) / runs,
      logBytes: (after.logBytes - before.logBytes) / runs,
    }
  }
  if (best === undefined) throw new Error('no window was asked for')
  return best
}

function perSecond({ runs, wallMs }: Pick<Throughput, 'runs' | 'wallMs'>): number {
  return (runs / wallMs) * 1_000
}

function latencyOf(sorted: readonly number[]): Latency {
  return { p50: percentile(sorted, 50), p95: percentile(sorted, 95), p99: percentile(sorted, 99) }
}

/** What a contender did not keep of what it promises; empty if all is right. */
export function complaints({ facts, audit }: Pick<Outcome, 'facts' | 'audit'>): readonly string[] {
  const { runs, completed, unfinished, missed, repeated } = audit
  return [
    ...(completed === runs ? [] : [`${completed} completions were told of ${runs} runs`]),
    ...(unfinished === 0 ? [] : [`its storage holds ${unfinished} runs that are not completed`]),
    ...(missed === 0 ? [] : [`${missed} steps were never called`]),
    ...(repeated === 0 || facts.promise === 'at least once' ? [] : [`${repeated} steps were called again`]),
  ]
}
