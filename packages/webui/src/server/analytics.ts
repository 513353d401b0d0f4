/** How runs have fared, from a sample: the newest finished ones, with their histories. */
import type { AnySnapshot, RunHistoryEntry } from '@workflow/core'
import type { Clock } from '@workflow/core/adapter'
import type { AnalyticsJson, PercentilesJson } from '../api/workflow-json.ts'
import { boundedMap } from './bounded-map.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const questionsAtOnce = 8
/** Of each run: what has more versions than this is measured by its first ones. */
const entriesMax = 200
const buckets = 30
/** A page that few runs match ends early. */
const pagesMax = 5

interface StatusFigures {
  readonly timesMs: number[]
  readonly handlersMs: number[]
  failedAttempts: number
}

/** `sampleMax`: runs to look at. Costs a page of runs and a history for each. */
export async function analyticsOf(workflow: WatchedWorkflow, sampleMax: number, clock: Clock): Promise<AnalyticsJson> {
  const now = new Date(clock.now())
  const runs = await finishedRuns(workflow, sampleMax)
  const histories = await boundedMap(
    runs,
    questionsAtOnce,
    async ({ runId }) => (await workflow.ask((it) => it.history(runId, { limit: entriesMax }))).items,
  )
  const created = runs.map(({ createdAt }) => createdAt.getTime())
  return {
    at: now.toISOString(),
    sample: {
      runs: runs.length,
      limit: sampleMax,
      ...(runs.length === 0 ? undefined : { from: iso(Math.min(...created)), to: iso(Math.max(...created)) }),
    },
    completed: runs.filter(({ state }) => state === 'Completed').length,
    cancelled: runs.filter(({ state }) => state === 'Cancelled').length,
    failed: histories.filter((entries) => entries.some(({ failures, error }) => failures !== undefined || error !== undefined)).length,
    latencyMs: percentilesOf(
      runs.flatMap((run) => (run.finishedAt === undefined ? [] : [run.finishedAt.getTime() - run.createdAt.getTime()])),
    ),
    throughput: throughputOf(runs, now),
    statuses: statusesOf(workflow, histories),
  }
}

/** The newest, of as many as a few pages look through. */
async function finishedRuns(workflow: WatchedWorkflow, limit: number): Promise<readonly AnySnapshot[]> {
  const runs: AnySnapshot[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < pagesMax && runs.length < limit; pages++) {
    const query = { limit: limit - runs.length, ...(cursor === undefined ? undefined : { cursor }) }
    const page = await workflow.ask((it) => it.list({ ...query, state: ['Completed', 'Cancelled'] }))
    runs.push(...page.items)
    cursor = page.cursor
    if (cursor === undefined) break
  }
  return runs
}

/** The value at or below which so much of the sample is: one of the values, never one between two. */
export function percentilesOf(values: readonly number[]): PercentilesJson {
  // Clocks of instances may be apart: nothing takes less than no time.
  const sorted = values.map((value) => Math.max(0, value)).sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

function throughputOf(runs: readonly AnySnapshot[], now: Date): AnalyticsJson['throughput'] {
  const ends = runs.flatMap(({ finishedAt }) => (finishedAt === undefined ? [] : [finishedAt.getTime()]))
  const from = ends.length === 0 ? now.getTime() : Math.min(...ends)
  const span = ends.length === 0 ? 0 : Math.max(...ends) - from
  const bucketMs = Math.max(1_000, Math.ceil((span + 1) / buckets))
  const finished = Array.from({ length: buckets }, () => 0)
  for (const end of ends) {
    const i = Math.floor((end - from) / bucketMs)
    finished[i] = (finished[i] ?? 0) + 1
  }
  return { bucketMs, from: iso(from), finished }
}

/** In the order of the contract; statuses that no run of the sample has left are absent. */
function statusesOf(workflow: WatchedWorkflow, histories: readonly (readonly RunHistoryEntry[])[]): AnalyticsJson['statuses'] {
  const figures = new Map<string, StatusFigures>()
  for (const entries of histories) addRun(figures, entries)
  return workflow.graph().nodes.flatMap(({ status }) => {
    const own = figures.get(status)
    if (own === undefined) return []
    const { timesMs, handlersMs, failedAttempts } = own
    return [{ status, timeMs: percentilesOf(timesMs), handlerMs: percentilesOf(handlersMs), failedAttempts }]
  })
}

function addRun(figures: Map<string, StatusFigures>, entries: readonly RunHistoryEntry[]): void {
  let entered: number | undefined
  for (const { from, to, by, at, durationMs, failures } of entries) {
    const left = from ?? to
    const moved = from !== undefined && from !== to
    if (from !== undefined) {
      const own = figures.get(left) ?? { timesMs: [], handlersMs: [], failedAttempts: 0 }
      figures.set(left, own)
      if (moved && entered !== undefined) own.timesMs.push(at.getTime() - entered)
      if (durationMs !== undefined && by !== 'person' && by !== 'engine') own.handlersMs.push(durationMs)
      own.failedAttempts += failures?.length ?? 0
    }
    if (moved || from === undefined) entered = at.getTime()
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
