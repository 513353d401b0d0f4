/** The carrier's stream, wherever it is kept: in memory, on Kafka, or on NATS. */
import type { Connector } from '@workflow/core'

/** A message on its way. */
export interface Posting {
  /** Chosen by the carrier: the same message has the same id, however often it is sent. */
  readonly id: string
  /** Messages about one parcel are read in order. */
  readonly parcel: string
  /** As it is on the wire. */
  readonly body: string
}

export interface Carrier extends AsyncDisposable {
  /** What goes into `build`. Events have the parcel as their key, and the header `message-id`. */
  readonly messages: Connector
  /** Resolves when the stream has all of them, in this order per parcel. */
  readonly publish: (postings: readonly Posting[]) => Promise<void>
}

/** The header with the id of a posting. */
export const idHeader = 'message-id'

/** What a body says. What is no JSON stays text, so that it comes as far as the schema, which refuses it where it is counted. */
export function valueOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}
