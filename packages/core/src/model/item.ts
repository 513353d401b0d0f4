import type { Payload } from './payload.ts'

/** An entry of a run's inbox: a callback that waits for its turn. Unique by (runId, stream, id), consumed ones included. */
export interface Item {
  readonly runId: string
  readonly stream: string
  /** Chosen by the caller; the same id again is the same item and changes nothing. */
  readonly id: string
  readonly body: Payload
}

/** An item with its position, which grows within (runId, stream) in the order of the commits. */
export interface StoredItem extends Item {
  readonly pos: number
}
