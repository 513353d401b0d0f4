/** A stream to measure: the adapter, and the client library below it, driven by hand. */
import type { EventStreamer, RunEvent } from '@workflow/core/adapter'

export interface StreamTarget extends AsyncDisposable {
  readonly name: string
  /** What it runs on besides the machine. */
  readonly about: string
  /** A streamer of its own, on the server that all of them share. */
  readonly open: () => OpenedStream
  /**
   * Publishes messages through the bare client, so many at a time, and consumes and acknowledges them at the same time, on a stream of
   * its own. Resolves when all of them are acknowledged.
   */
  readonly bare: (messages: readonly BareMessage[], atOnce: number) => Promise<void>
  /** The headers that the adapter gives an event, where it does. */
  readonly headersOf?: (event: RunEvent) => Readonly<Record<string, string>>
  /** What the server has used until now. */
  readonly server: () => ServerUsage
}

/** What is sent by hand. */
export interface BareMessage {
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface OpenedStream {
  readonly eventStreamer: EventStreamer
  readonly close: () => Promise<void>
}

export interface ServerUsage {
  readonly cpuMs: number
  readonly rssMegabytes: number
}
