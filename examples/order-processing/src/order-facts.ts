/** One look through all orders and their histories, for the audit and the summary. */
import { allRuns, type OrderClient, type OrderRun } from './all-runs.ts'
import { totalCentsOf } from './order.ts'
import { orders } from './orders.contract.ts'

/** What is known of one run. */
export interface OrderFacts {
  readonly orderId: string
  readonly runId: string
  readonly state: OrderRun['state']
  readonly status: OrderRun['status']
  readonly totalCents: number
  readonly paymentId: string | undefined
  readonly tookMs: number
  readonly transitions: number
  readonly retries: number
  readonly callbacks: number
  readonly timeouts: number
  /** What is wrong with its history; empty if nothing is. */
  readonly faults: readonly string[]
}

type Entry = Awaited<ReturnType<OrderClient['history']>>['items'][number]

const atOnce = 32
const edges = new Set(orders.graph().transitions.map(({ from, to, kind }) => `${from} ${kind} ${to}`))
const [start] = orders.graph().starts

/** Oldest first. */
export async function* orderFacts(client: OrderClient): AsyncGenerator<OrderFacts> {
  let batch: OrderRun[] = []
  for await (const run of allRuns(client)) {
    if (batch.push(run) < atOnce) continue
    yield* await Promise.all(batch.map((each) => factsOf(client, each)))
    batch = []
  }
  yield* await Promise.all(batch.map((each) => factsOf(client, each)))
}

async function factsOf(client: OrderClient, run: OrderRun): Promise<OrderFacts> {
  const entries: Entry[] = []
  let cursor: string | undefined
  do {
    const page = await client.history(run.runId, { limit: 1_000, ...(cursor === undefined ? undefined : { cursor }) })
    entries.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  return {
    orderId: run.foreignId,
    runId: run.runId,
    state: run.state,
    status: run.status,
    totalCents: totalCentsOf(run.object),
    paymentId: run.object.paymentId,
    tookMs: (run.finishedAt ?? run.updatedAt).getTime() - run.createdAt.getTime(),
    transitions: entries.length,
    retries: entries.reduce((sum, { attempt }) => sum + attempt - 1, 0),
    callbacks: entries.filter(({ by }) => by === 'callback').length,
    timeouts: entries.filter(({ by }) => by === 'timeout').length,
    faults: historyFaults(run, entries),
  }
}

/** Versions from 1 to the run's own without a gap, each beginning where the one before ended, along the graph's arrows. */
export function historyFaults(
  run: Pick<OrderRun, 'version' | 'status'>,
  entries: readonly Pick<Entry, 'version' | 'from' | 'to' | 'by'>[],
): string[] {
  const faults: string[] = []
  let before: string | undefined
  entries.forEach(({ version, from, to, by }, index) => {
    if (version !== index + 1) faults.push(`version ${index + 1} is missing`)
    if (from !== before) faults.push(`version ${version} leaves ${from ?? 'nothing'}, and the run was at ${before ?? 'nothing'}`)
    // Pausing and resuming change no status; everything else follows an arrow.
    const legal =
      before === undefined ? to === start : edges.has(`${before} ${by} ${to}`) || ((by === 'person' || by === 'engine') && to === before)
    if (!legal) faults.push(`no ${by} leads from ${before ?? 'nothing'} to ${to}`)
    before = to
  })
  if (entries.length !== run.version) faults.push(`the run has version ${run.version}, and its history ${entries.length}`)
  if (before !== run.status) faults.push(`the run is ${run.status}, and its history ends at ${before ?? 'nothing'}`)
  return faults
}
