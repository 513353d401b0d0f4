/** Load that lasts: how much of it there can be, how late half of that much is, and how the database ages. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { openDatabase } from '../harness/database.ts'
import { lastingWindow, pacedFor, type Stretch } from '../harness/lasting-loads.ts'
import { rssMegabytes } from '../harness/meter.ts'
import { orders, stepsPerRun } from '../harness/orders.ts'
import { agingTables, freshSize, readTables, type TableReading } from '../harness/postgres-tables.ts'
import type { PostgresPlace } from '../harness/postgres-schema.ts'
import type { Figure } from '../harness/report.ts'
import { working } from './stored-runs-by-sql.ts'

const secondsDefault = 60
const warmUpSeconds = 5
/** How much of the full load is half of it. */
const half = 0.5
/** Completed runs are deleted when they are so old, so that a churned database is not a growing one. */
const keptMs = 10_000
const purgeEveryMs = 1_000
const purgeMax = 100_000
/** Until sessions have told the server what they did. */
const reportMs = 1_500

/** A full load, then half of it, each for so many seconds. */
export function sustained(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 1,
    measure: async ({ repeats, seconds = secondsDefault }) => {
      const measured: { stretches: readonly Stretch[]; p50: number; p99: number; max: number; rss: number; cpu: number }[] = []
      for (let i = 0; i < repeats; i++) {
        await using place = await open()
        measured.push(
          await working(place, async (workflow, completions) => {
            await lastingWindow({ workflow, completions, prefix: 'warm-up' }, Math.min(warmUpSeconds, seconds))
            const before = process.cpuUsage()
            const stretches = await lastingWindow({ workflow, completions, prefix: 'full' }, seconds)
            const { user, system } = process.cpuUsage(before)
            const { runs, wallMs } = sum(stretches)
            const rss = rssMegabytes()
            const late = await pacedFor({ workflow, completions, prefix: 'half' }, (runs / wallMs) * 1_000 * half, seconds)
            const latencies = { p50: late.percentile(50), p99: late.percentile(99), max: late.max }
            return { stretches, ...latencies, rss, cpu: (user + system) / runs }
          }),
        )
      }
      const of = (metric: string, unit: string, one: (each: (typeof measured)[number]) => number): Figure => {
        return { metric, unit, values: measured.map(one) }
      }
      return [
        of('full load', 'runs/s', ({ stretches }) => rate(sum(stretches))),
        of('full load', 'transitions/s', ({ stretches }) => rate(sum(stretches)) * stepsPerRun),
        of('slowest 10 s', 'runs/s', ({ stretches }) => Math.min(...stretches.map(rate))),
        of('processor time', 'µs/run', ({ cpu }) => cpu),
        of('rss', 'MB', ({ rss }) => rss),
        of('half load, p50', 'ms', ({ p50 }) => p50),
        of('half load, p99', 'ms', ({ p99 }) => p99),
        of('half load, max', 'ms', ({ max }) => max),
      ]
    },
  }
}

/** A full load for so many seconds with autovacuum on, while what has been completed is deleted soon afterwards. */
export function churn(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 1,
    measure: async ({ seconds = secondsDefault }) => {
      await using place = await open()
      const stretches = await working(place, async (workflow, completions) => {
        const stop = new AbortController()
        const purging = purgeUntil(place, stop.signal)
        const done = await Promise.race([lastingWindow({ workflow, completions, prefix: 'churn' }, seconds), purging])
        stop.abort()
        await purging
        if (done === undefined) throw new Error('deleting has ended before the load')
        return done
      })
      await sleep(reportMs)
      const readings = await readTables(place)
      const figures = stretches.map((stretch, i): Figure => {
        return { metric: `${i * 10} s on`, unit: 'transitions/s', values: [rate(stretch) * stepsPerRun] }
      })
      for (const table of agingTables) {
        const reading = readings.find((each) => each.table === table)
        if (reading !== undefined) figures.push(...(await bloat(place, reading)))
      }
      return figures
    },
  }
}

async function bloat(place: PostgresPlace, reading: TableReading): Promise<readonly Figure[]> {
  const { table, tableMegabytes, indexMegabytes, live, dead, updates, hotUpdates, vacuums } = reading
  const fresh = await freshSize(place, table)
  const of = (metric: string, unit: string, value: number): Figure => ({ metric: `${table}: ${metric}`, unit, values: [value] })
  const hot = updates === 0 ? [] : [of('updates in place (HOT)', '%', (hotUpdates / updates) * 100)]
  return [
    of('table', 'MB', tableMegabytes),
    of('table, freshly written', 'MB', fresh.table),
    of('indexes', 'MB', indexMegabytes),
    of('indexes, freshly written', 'MB', fresh.indexes),
    of('live rows', '', live),
    of('dead rows', '', dead),
    ...hot,
    of('times vacuumed', '', vacuums),
  ]
}

/** Deletes finished runs as an application with a short retention would. */
async function purgeUntil(place: PostgresPlace, stop: AbortSignal): Promise<undefined> {
  await using database = openDatabase(place.address)
  while (!stop.aborted) {
    const finishedBefore = new Date(Date.now() - keptMs)
    await database.recordStore.purge({ workflowName: orders.name, finishedBefore }, purgeMax)
    await sleep(purgeEveryMs, undefined, { signal: stop }).catch(() => undefined)
  }
}

function sum(stretches: readonly Stretch[]): Stretch {
  return stretches.reduce((all, { runs, wallMs }) => ({ runs: all.runs + runs, wallMs: all.wallMs + wallMs }), { runs: 0, wallMs: 0 })
}

/** Runs a second. */
function rate({ runs, wallMs }: Stretch): number {
  return (runs / wallMs) * 1_000
}
