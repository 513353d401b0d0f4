/** What single calls cost on a database with very many runs, of which few are unfinished. */
import type { Workflow, WorkflowClient } from '@workflow/core'
import { type Approvals, approvals, approvalsWorkflow } from '../harness/approvals.ts'
import type { Case } from '../harness/bench.ts'
import { type BenchDatabase, openDatabase } from '../harness/database.ts'
import { Histogram } from '../harness/histogram.ts'
import { type Orders, orderOf } from '../harness/orders.ts'
import { fill, settle } from '../harness/postgres-filling.ts'
import type { PostgresPlace } from '../harness/postgres-schema.ts'
import type { Figure } from '../harness/report.ts'
import { completedRun, rates, slots, working } from './stored-runs-by-sql.ts'

/** One run in so many waits, the others are completed; they lie in as many stretches. */
const waitingShare = 1_000
const stretches = 10
/** So many calls of each kind are measured, after warm-ups. */
const callsMax = 1_000
const warmUps = 20
/** Of calls that take seconds on a very large table. */
const slowCalls = 10
const pageSize = 50
const windowRuns = 10_000

/** Percentiles of each kind of call, one after the other. The number of runs is that of the rows in the table of records. */
export function largeTable(name: string, open: () => Promise<PostgresPlace>): Case {
  return {
    name,
    runs: 10_000_000,
    measure: async ({ runs, repeats }) => {
      await using place = await open()
      const stored = await fillBoth(place, runs)
      await settle(place)
      const figures = await working(place, async (workflow) => {
        await using database = openDatabase(place.address)
        const others = approvals.client(database)
        const kinds = callsOf({ workflow, others, database, stored })
        const found: Figure[] = []
        for (const [kind, { call, after, calls = callsMax }] of Object.entries(kinds))
          found.push(...(await measured(kind, { call, after }, Math.min(calls, runs))))
        await others.close()
        return found
      })
      const rate = await rates(place, 'window', Math.min(windowRuns, runs), repeats)
      return [
        ...figures,
        { metric: 'window', unit: 'transitions/s', values: rate },
        { metric: 'database', unit: 'MB', values: [await place.megabytes()] },
      ]
    },
  }
}

async function measured(kind: string, { call, after }: Kind, calls: number): Promise<readonly Figure[]> {
  const histogram = new Histogram()
  const warm = Math.min(warmUps, Math.ceil(calls / 10))
  for (let i = 0; i < calls + warm; i++) {
    const begin = performance.now()
    const result = await call(i)
    if (i >= warm) histogram.add(performance.now() - begin)
    await after?.(result)
  }
  return [50, 99].map((percent) => ({ metric: `${kind}, p${percent}`, unit: 'ms', values: [histogram.percentile(percent)] }))
}

interface Asked {
  readonly workflow: Workflow<Orders>
  readonly others: WorkflowClient<Approvals>
  readonly database: BenchDatabase
  readonly stored: Stored
}

interface Kind {
  readonly call: (i: number) => Promise<unknown>
  /** What the call leaves to be done, so that the next one finds an idle engine. */
  readonly after?: ((result: unknown) => Promise<unknown>) | undefined
  /** So many calls instead. */
  readonly calls?: number
}

/** What users do, by name. Each call asks about another run, where there is one to ask about. */
function callsOf({ workflow, others, database, stored }: Asked): Readonly<Record<string, Kind>> {
  const oneOf = (ids: readonly string[], i: number): string => ids[(i * 7_919) % ids.length] ?? ''
  let triggered = 0
  const trigger = (): Promise<string> => workflow.trigger(`new-${triggered++}`, { initialValue: orderOf(triggered) })
  return {
    trigger: { call: trigger, after: (runId) => workflow.awaitCompletion(String(runId)) },
    'trigger and await': { call: async () => workflow.awaitCompletion(await trigger()) },
    'await a finished run': { call: (i) => workflow.awaitCompletion(oneOf(stored.completed, i)) },
    lookup: { call: (i) => workflow.lookup(oneOf(stored.completed, i)) },
    history: { call: (i) => workflow.history(oneOf(stored.completed, i)) },
    'list the newest': { call: () => workflow.list({ limit: pageSize }) },
    'list by foreign id': { call: (i) => workflow.list({ foreignId: `stored-${(i * 7_919) % stored.runs}`, limit: pageSize }) },
    'list by a frequent status': { call: () => workflow.list({ status: 'shipped', limit: pageSize }) },
    'list the unfinished': { call: () => others.list({ state: ['Running', 'Initiated'], limit: pageSize }) },
    'list what is paused, of which there is none': { call: () => workflow.list({ state: 'Paused', limit: pageSize }), calls: slowCalls },
    'list a status that nothing is in': { call: () => workflow.list({ status: 'paid', limit: pageSize }), calls: slowCalls },
    'list a finished state that nothing is in': { call: () => workflow.list({ state: 'Cancelled', limit: pageSize }), calls: slowCalls },
    'list what a sweep looks for, one page': {
      call: () =>
        database.recordStore.list(
          { workflowName: approvals.name, runState: ['Initiated', 'Running', 'RequestedDataDeleted'], updatedBefore: new Date() },
          { limit: 200 },
        ),
      calls: slowCalls,
    },
    'next expiry': { call: () => database.timeoutStore.nextExpiry({ workflowName: approvals.name, slots: allSlots }) },
  }
}

const allSlots = Array.from({ length: slots }, (_, slot) => slot)

interface Stored {
  readonly runs: number
  /** Some of the completed runs, from all over the table. */
  readonly completed: readonly string[]
}

async function fillBoth(place: PostgresPlace, runs: number): Promise<Stored> {
  const [completed, waiting] = [await completedRun(place), await waitingRun(place)]
  const share = Math.max(1, Math.floor(runs / stretches))
  const waits = Math.ceil(share / waitingShare)
  const stretch = [
    { template: completed, copies: Math.max(0, share - waits), slots, seen: true },
    { template: waiting, copies: waits, slots, seen: true },
  ]
  await fill(place, ...Array.from({ length: stretches }, () => stretch).flat())
  const rows = await place.sql("SELECT run_id FROM {record} WHERE seq % $1 = 0 AND workflow = 'orders' ORDER BY seq", [
    Math.max(1, Math.floor(runs / callsMax)),
  ])
  return { runs, completed: rows.map((row) => String(row['run_id'])) }
}

/** A run that waits for its callback, and has a timer. */
export async function waitingRun(place: PostgresPlace): Promise<string> {
  await using database = openDatabase(place.address)
  await using workflow = approvalsWorkflow(database, () => undefined)
  await workflow.run()
  const runId = await workflow.trigger('template', { initialValue: { id: 'template' } })
  await workflow.await(runId, 'waiting')
  return runId
}
