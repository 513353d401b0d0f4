import type { ContractModel } from '../model/definition.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Clock } from '../ports/clock.ts'
import type { Delivery, EventStreamer } from '../ports/event-streamer.ts'
import type { Instrumentation } from '../ports/instrumentation.ts'
import type { Logger } from '../ports/logger.ts'
import type { Random } from '../ports/random.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { Committer } from './committer.ts'
import type { HandOffCache } from './hand-off-cache.ts'
import type { Measures } from './measures.ts'
import type { Ids } from './ids.ts'
import type { ObjectCodec } from './object-codec.ts'
import type { StoreLimit } from './store-limit.ts'
import type { Topics } from './topics.ts'

/** What every part of the engine of one workflow in one process shares. */
export interface EngineContext {
  readonly contract: ContractModel
  readonly store: RecordStore
  readonly streamer: EventStreamer
  /** Acknowledges a delivery of the streamer. */
  readonly ack: (delivery: Pick<Delivery<unknown>, 'ack'>) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  /** For lines of the engine's own. */
  readonly logger: Logger
  /** For what handlers say, which is written as they give it. */
  readonly handlerLogger: Logger
  readonly instrumentation: Instrumentation
  readonly measures: Measures
  /** How this process is called in histories. */
  readonly instance: string
  readonly slots: number
  readonly storeLimit: StoreLimit
  readonly awaitPollingMs: number
  readonly foreignIdLengthMax: number
  readonly historyObjects: boolean
  readonly ids: Ids
  readonly codec: ObjectCodec
  readonly topics: Topics
  readonly cache: HandOffCache
  readonly committer: Committer
  /** Hears of every record that this process has committed for good, at once and in order per run. */
  readonly committed: CommittedListeners
}

export type CommittedListener = (record: RunRecord, sentAt: number) => void

/** Who wants to hear of commits: the worker's hand-off and those that await. */
export class CommittedListeners {
  readonly #listeners = new Set<CommittedListener>()

  add(listener: CommittedListener): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }

  /** A commit that was sent at `sentAt` on the monotonic clock has been answered. */
  notify(record: RunRecord, sentAt: number): void {
    for (const listener of this.#listeners) listener(record, sentAt)
  }
}
