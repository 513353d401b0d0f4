/** Runs that are made up while they are read, so that there can be many; and a count of who reads what at once. */
import type { AnyContract } from '../src/any-contract.ts'
import { RunNotFound } from '../src/errors.ts'
import type { ExportSource } from '../src/export/export-options.ts'
import type { RunHistoryEntry } from '../src/run-history.ts'
import type { AnySnapshot } from '../src/run.ts'
import type { ResultPage } from '../src/workflow-client.ts'

export interface LogSourceOptions {
  readonly runs: number
  /** @default 3 */
  readonly versions?: number
  /** Comes before each reading; what it throws, the reading rejects with. */
  readonly before?: (reading: Reading) => Promise<void> | void
  /** What is kept of a history. @default all */
  readonly keeps?: (runId: string, version: number) => boolean
}

export type Reading =
  | { readonly kind: 'list'; readonly from: number }
  | { readonly kind: 'history'; readonly runId: string; readonly from: number }

export class LogSource implements ExportSource {
  readonly contract: AnyContract = {
    name: 'made-up',
    graph: () => ({ name: 'made-up', nodes: [], starts: [], terminals: [], transitions: [] }),
  }
  /** Runs whose history was asked for, in order. */
  readonly asked: string[] = []
  /** The most histories that were read at once. */
  atOnceMax = 0
  listed = 0
  readonly #options: LogSourceOptions
  #atOnce = 0

  constructor(options: LogSourceOptions) {
    this.#options = options
  }

  async list(query: { readonly cursor?: string; readonly limit?: number } = {}): Promise<ResultPage<AnySnapshot>> {
    const from = Number(query.cursor ?? 0)
    await this.#options.before?.({ kind: 'list', from })
    const end = Math.min(from + (query.limit ?? 100), this.#options.runs)
    const items = Array.from({ length: end - from }, (_, i) => snapshot(from + i, this.#options.versions ?? 3))
    this.listed = end
    return { items, ...(end < this.#options.runs ? { cursor: String(end) } : undefined) }
  }

  async history(runId: string, query: { readonly cursor?: string; readonly limit?: number } = {}): Promise<ResultPage<RunHistoryEntry>> {
    const { versions = 3, keeps = () => true, before } = this.#options
    const from = Number(query.cursor ?? 0)
    this.asked.push(runId)
    this.#atOnce += 1
    this.atOnceMax = Math.max(this.atOnceMax, this.#atOnce)
    try {
      await before?.({ kind: 'history', runId, from })
      await Promise.resolve()
      const end = Math.min(from + (query.limit ?? 100), versions)
      const items = Array.from({ length: end - from }, (_, i) => entry(from + i + 1)).filter(({ version }) => keeps(runId, version))
      return { items, ...(end < versions ? { cursor: String(end) } : undefined) }
    } finally {
      this.#atOnce -= 1
    }
  }
}

export function gone(runId: string): RunNotFound {
  return new RunNotFound(`workflow 'made-up' has no run ${runId}`, { details: { runId } })
}

function snapshot(i: number, version: number): AnySnapshot {
  const at = new Date(i)
  const runId = `run-${i}`
  return {
    workflowName: 'made-up',
    runId,
    foreignId: `foreign-${i}`,
    status: 'b',
    state: 'Running',
    version,
    metadata: {},
    createdAt: at,
    updatedAt: at,
    enteredAt: at,
    object: { secret: 'listed object' },
  }
}

function entry(version: number): RunHistoryEntry {
  const first = version === 1
  return {
    version,
    ...(first ? undefined : { from: 'a', durationMs: 1 }),
    to: first ? 'a' : 'b',
    states: [first ? 'Initiated' : 'Running'],
    by: first ? 'trigger' : 'step',
    at: new Date(version * 1_000),
    attempt: 1,
    instance: 'x',
  }
}
