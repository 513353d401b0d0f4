import type { RunEvent } from '@workflow/core/adapter'
import { eventOf } from './event-row.ts'

/** A row of the event table, for `LogEntry`. */
export type LogRow = readonly [id: number, topicSet: number, version: number, slot: number, at: number, event: string]

/** An event of the log. One that was read from the table is parsed when somebody wants it. */
export class LogEntry {
  readonly id: number
  readonly slot: number
  readonly topics: readonly string[]
  #event: RunEvent | undefined
  #row: LogRow | undefined

  constructor(id: number, slot: number, topics: readonly string[], source: RunEvent | LogRow) {
    this.id = id
    this.slot = slot
    this.topics = topics
    if ('kind' in source) this.#event = source
    else this.#row = source
  }

  get event(): RunEvent {
    if (this.#event === undefined) {
      const [id, , version, slot, at, text] = this.#row ?? [this.id, 0, 0, this.slot, 0, '']
      this.#event = eventOf(id, text, version, slot, at, this.topics)
      this.#row = undefined
    }
    return this.#event
  }
}
