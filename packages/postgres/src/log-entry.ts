import type { RunEvent } from '@workflow/core/adapter'
import { batchSize } from './commit-statement.ts'
import { eventOf, type EventRow } from './event-row.ts'
import type { Shape } from './shapes.ts'

/** An event of the log. One that was read from the table becomes an event when somebody wants it. */
export class LogEntry {
  readonly id: number
  readonly slot: number
  readonly topics: readonly string[]
  readonly workflowName: string
  /** It stood in a gap: later ids have been handed out before it. */
  readonly late: boolean
  #event: RunEvent | undefined
  readonly #row: EventRow | undefined
  readonly #shape: Shape | undefined

  constructor(id: number, source: RunEvent | EventRow, shape: Shape | undefined, late = false) {
    this.id = id
    this.late = late
    this.#shape = shape
    if ('kind' in source) {
      this.#event = source
      this.#row = undefined
      this.slot = source.slot
      this.topics = source.topics
      this.workflowName = source.workflowName
    } else {
      this.#row = source
      this.slot = source[4]
      this.topics = shape?.topics ?? []
      this.workflowName = shape?.workflowName ?? ''
    }
  }

  /** The number of its batch. */
  get batch(): number {
    return Math.floor(this.id / batchSize)
  }

  get event(): RunEvent {
    // Rows come with their shape; only an event that is there already comes without.
    if (this.#event === undefined && this.#row !== undefined && this.#shape !== undefined) this.#event = eventOf(this.#row, this.#shape)
    if (this.#event === undefined) throw new TypeError(`event ${this.id} has neither a row nor a shape`)
    return this.#event
  }
}
