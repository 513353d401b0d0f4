/** How far all orders of the database are. */
import type { RecordStore } from '@workflow/core'
import type { OrderStatus } from './all-runs.ts'
import type { IntakeResult } from './intake.ts'
import { orders } from './orders.contract.ts'

export interface Progress {
  readonly elapsedMs: number
  /** In the order of the contract; those without orders are 0. */
  readonly statuses: readonly { readonly status: OrderStatus; readonly terminal: boolean; readonly count: number }[]
  readonly total: number
  readonly finished: number
  readonly paused: number
  /** Finished orders per second, over the last few seconds. */
  readonly perSecond: number
  readonly intake: IntakeResult
  readonly failures: number
  readonly retries: number
  /** How many processes share the work, this one included. */
  readonly processes: number
}

export interface ProgressSources {
  readonly store: RecordStore
  readonly intake: () => IntakeResult
  readonly failures: () => number
  readonly retries: () => number
  readonly processes: () => Promise<number>
}

const rateWindowMs = 4_000
const terminals = new Set<string>(orders.graph().terminals)
// The cast holds because the nodes of a graph are the statuses of its contract.
const statuses = orders.graph().nodes.map(({ status }) => status as OrderStatus)

export class ProgressMeter {
  readonly #sources: ProgressSources
  readonly #startedMs = performance.now()
  /** When how many were finished, oldest first. */
  #seen: { readonly atMs: number; readonly finished: number }[] = []

  constructor(sources: ProgressSources) {
    this.#sources = sources
  }

  async look(): Promise<Progress> {
    const { store, intake, failures, retries, processes } = this.#sources
    // First the intake: what it had started by then is among what is counted afterwards.
    const intakeNow = intake()
    const query = { workflowName: orders.name }
    const byState = await store.count(query, 'runState')
    const byStatus = await store.count(query, 'status')
    const total = [...byState.values()].reduce((sum, count) => sum + count, 0)
    const paused = byState.get('Paused') ?? 0
    const finished = total - paused - (byState.get('Initiated') ?? 0) - (byState.get('Running') ?? 0)
    const elapsedMs = performance.now() - this.#startedMs
    return {
      elapsedMs,
      statuses: statuses.map((status) => ({ status, terminal: terminals.has(status), count: byStatus.get(status) ?? 0 })),
      total,
      finished,
      paused,
      perSecond: this.#rate(elapsedMs, finished),
      intake: intakeNow,
      failures: failures(),
      retries: retries(),
      processes: await processes(),
    }
  }

  #rate(atMs: number, finished: number): number {
    this.#seen = [...this.#seen.filter((each) => atMs - each.atMs <= rateWindowMs), { atMs, finished }]
    const [oldest] = this.#seen
    if (oldest === undefined || atMs - oldest.atMs < 500) return 0
    return ((finished - oldest.finished) / (atMs - oldest.atMs)) * 1_000
  }
}

/** Whether nothing will happen any more without a person. */
export function isOver({ intake, total, finished, paused }: Progress): boolean {
  return intake.state === 'finished' && finished + paused === total
}
