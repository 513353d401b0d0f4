/** A workflow as the server asks it: remembers since when its store has not answered, and what `redact` keeps back. */
import {
  type AnySnapshot,
  type AnyWorkflow,
  type ConsumerLag,
  type RunChange,
  isWorkflowError,
  type Logger,
  RunNotFound,
  type RunHistoryEntry,
} from '@workflow/core'
import { loggableError } from '@workflow/core/adapter'
import type { HistoryEntryJson, ObjectJson, RunDetailJson } from '../api/run-json.ts'
import type { WorkflowOverviewJson } from '../api/workflow-json.ts'
import { Redaction } from './redaction.ts'
import { historyEntryView, runView } from './run-view.ts'
import type { RedactedRun, Settings } from './settings.ts'

/** Runs of one foreign id that are looked through for one whose object cannot be read. */
const searchPages = 10
/** Entries with their objects are read so many at a time, and until they have come to so many characters. */
const objectsAtOnce = 5
const objectsLengthMax = 4_000_000

export class WatchedWorkflow {
  readonly name: string
  readonly redaction: Redaction
  readonly #workflow: AnyWorkflow
  readonly #now: () => number
  readonly #logger: Logger
  #down: { readonly since: Date; readonly message: string } | undefined

  constructor(workflow: AnyWorkflow, settings: Settings) {
    this.name = workflow.contract.name
    this.redaction = new Redaction(settings.redact(this.name), settings.logger)
    this.#workflow = workflow
    this.#now = () => settings.clock.now()
    this.#logger = settings.logger
  }

  /** From when on the store has not answered; undefined while it does. */
  get downSince(): Date | undefined {
    return this.#down?.since
  }

  get health(): WorkflowOverviewJson['health'] {
    if (this.#down === undefined) return { up: true }
    return { up: false, since: this.#down.since.toISOString(), message: this.#down.message }
  }

  graph(): ReturnType<AnyWorkflow['graph']> {
    return this.#workflow.graph()
  }

  /** How far its consumers are behind. A stream that answers does not say that the store does. */
  async lag(): Promise<readonly ConsumerLag[]> {
    return await this.#workflow.lag()
  }

  /** What its runs do: ends without an error when `signal` aborts. */
  async changes(signal: AbortSignal): Promise<AsyncIterable<RunChange>> {
    return await this.#workflow.changes({ signal })
  }

  /** Asks the workflow's store, and rejects as it does. */
  async ask<T>(question: (workflow: AnyWorkflow) => Promise<T>): Promise<T> {
    try {
      const answer = await question(this.#workflow)
      this.#down = undefined
      return answer
    } catch (error) {
      // A client that somebody has closed answers no more than a store that is away.
      if (isWorkflowError(error, 'StoreUnavailable') || isWorkflowError(error, 'Stopped')) {
        if (this.#down === undefined)
          this.#logger.warn(
            { workflow: this.name, error: loggableError(error) },
            'the store does not answer the web UI; it is asked again by every request',
          )
        this.#down = { since: this.#down?.since ?? new Date(this.#now()), message: error.message }
      }
      throw error
    }
  }

  /** Also where its object cannot be read. Rejects with `RunNotFound`. */
  async run(runId: string): Promise<RunDetailJson> {
    try {
      const run = await this.ask((workflow) => workflow.lookup(runId))
      if (run === undefined) throw new RunNotFound(`workflow '${this.name}' has no run ${runId}`, { details: { runId } })
      return { ...runView(run, this.redaction), object: this.#object(run, run) }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      const run = await this.#withoutObject(runId)
      if (run === undefined) throw error
      return { ...runView(run, this.redaction), object: this.redaction.unreadable(error.message) }
    }
  }

  /** The run without its object: what an action needs to know before and after. */
  async summary(runId: string): Promise<Omit<RunDetailJson, 'object'>> {
    const { object: _object, ...run } = await this.run(runId)
    return run
  }

  /**
   * A page of the history. One object that cannot be read spoils neither the page nor the others; where objects are large, the page
   * has fewer entries than the limit, or a few of them would be hundreds of megabytes.
   */
  async history(
    runId: string,
    query: { readonly objects: boolean; readonly limit: number; readonly cursor?: string },
  ): Promise<{ items: HistoryEntryJson[]; cursor?: string }> {
    // Only a `redact` wants to know whose entries these are.
    const unasked: RedactedRun = { workflowName: this.name, runId, foreignId: '', status: '', state: 'Running' }
    const run = this.redaction.active ? await this.ask((workflow) => workflow.explain(runId)) : unasked
    const view = (entry: RunHistoryEntry, unreadable?: ObjectJson): HistoryEntryJson => ({
      ...historyEntryView(entry, run, this.redaction),
      ...(query.objects ? { object: unreadable ?? this.#object(entry, run) } : undefined),
    })
    if (!query.objects) return await this.#historyPage(runId, query, view)
    const items: HistoryEntryJson[] = []
    let cursor = query.cursor
    let length = 0
    do {
      const limit = Math.min(objectsAtOnce, query.limit - items.length)
      const page = await this.#historyPage(runId, { objects: true, limit, ...(cursor === undefined ? undefined : { cursor }) }, view)
      items.push(...page.items)
      length += JSON.stringify(page.items).length
      cursor = page.cursor
    } while (cursor !== undefined && items.length < query.limit && length < objectsLengthMax)
    return { items, ...(cursor === undefined ? undefined : { cursor }) }
  }

  async #historyPage(
    runId: string,
    query: { readonly objects: boolean; readonly limit: number; readonly cursor?: string },
    view: (entry: RunHistoryEntry) => HistoryEntryJson,
  ): Promise<{ items: HistoryEntryJson[]; cursor?: string }> {
    try {
      const page = await this.ask((workflow) => workflow.history(runId, query))
      return { items: page.items.map((entry) => view(entry)), ...(page.cursor === undefined ? undefined : { cursor: page.cursor }) }
    } catch (error) {
      if (!query.objects || !isUnreadable(error)) throw error
      return await this.#entryByEntry(runId, query, view)
    }
  }

  async #entryByEntry(
    runId: string,
    query: { readonly limit: number; readonly cursor?: string },
    view: (entry: RunHistoryEntry, unreadable?: ObjectJson) => HistoryEntryJson,
  ): Promise<{ items: HistoryEntryJson[]; cursor?: string }> {
    const items: HistoryEntryJson[] = []
    let cursor = query.cursor
    do {
      const one = { limit: 1, ...(cursor === undefined ? undefined : { cursor }) }
      let unreadable: ObjectJson | undefined
      const page = await this.ask(async (workflow) => {
        try {
          return await workflow.history(runId, { ...one, objects: true })
        } catch (error) {
          if (!isUnreadable(error)) throw error
          unreadable = this.redaction.unreadable(error.message)
          return await workflow.history(runId, one)
        }
      })
      items.push(...page.items.map((entry) => view(entry, unreadable)))
      cursor = page.cursor
    } while (cursor !== undefined && items.length < query.limit)
    return { items, ...(cursor === undefined ? undefined : { cursor }) }
  }

  #object(holder: { readonly object?: unknown }, run: RedactedRun): ObjectJson {
    return 'object' in holder ? this.redaction.object(holder.object, run) : { kind: 'deleted' }
  }

  /** Lists leave out what cannot be read, and go by the foreign id, which an explanation knows. */
  async #withoutObject(runId: string): Promise<AnySnapshot | undefined> {
    const { foreignId } = await this.ask((workflow) => workflow.explain(runId))
    let cursor: string | undefined
    for (let pages = 0; pages < searchPages; pages++) {
      const query = { foreignId, limit: 100, ...(cursor === undefined ? undefined : { cursor }) }
      const page = await this.ask((workflow) => workflow.list(query))
      const found = page.items.find((run) => run.runId === runId)
      if (found !== undefined || page.cursor === undefined) return found
      cursor = page.cursor
    }
    return undefined
  }
}

function isUnreadable(error: unknown): error is Error {
  return isWorkflowError(error, 'StoreCorrupt') || isWorkflowError(error, 'Validation') || isWorkflowError(error, 'StoredByNewer')
}
