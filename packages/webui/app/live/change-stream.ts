/**
 * What runs do, as the server tells it. The browser connects again by itself after a broken connection, and goes on where it was;
 * where the server refuses (too many streams, a login that has ended) it gives up, and this tries again, less and less often.
 */
import type { ChangeJson } from '../../src/api/change-json.ts'

export type StreamState = 'connecting' | 'live' | 'broken'

/** What is used of an `EventSource`. */
export interface EventSourceLike {
  readonly readyState: number
  addEventListener(name: string, listener: (event: { readonly data?: unknown }) => void): void
  close(): void
}

export interface ChangeStreamOptions {
  readonly connect: () => EventSourceLike
  readonly onChange: (change: ChangeJson) => void
  /** Some changes may have been missed: ask again for what is shown. */
  readonly onRefresh: () => void
  readonly onState: (state: StreamState) => void
  readonly setTimer: (ms: number, run: () => void) => () => void
}

export const retryFirstMs = 1_000
export const retryMaxMs = 30_000
/** `EventSource.CLOSED`. */
const closedState = 2

/** Connects, and gives what ends it. */
export function changeStream({ connect, onChange, onRefresh, onState, setTimer }: ChangeStreamOptions): () => void {
  let failures = 0
  // What was loaded before the first connection stood may be older than what the stream begins with.
  let missed = true
  let over = false
  let source: EventSourceLike | undefined
  let cancelTimer: (() => void) | undefined

  const open = (): void => {
    if (over) return
    onState('connecting')
    const opened = connect()
    source = opened
    opened.addEventListener('open', () => {
      failures = 0
      onState('live')
      // A new source knows no last event: what came between is asked for.
      if (missed) onRefresh()
      missed = false
    })
    opened.addEventListener('change', ({ data }) => {
      const change = changeOf(data)
      if (change !== undefined) onChange(change)
    })
    opened.addEventListener('refresh', () => onRefresh())
    opened.addEventListener('error', () => failed(opened))
  }
  const failed = (which: EventSourceLike): void => {
    if (over || which !== source) return
    onState('broken')
    if (which.readyState !== closedState) return
    source = undefined
    missed = true
    const waitMs = Math.min(retryMaxMs, retryFirstMs * 2 ** failures++)
    cancelTimer = setTimer(waitMs, open)
  }
  open()
  return () => {
    over = true
    cancelTimer?.()
    source?.close()
  }
}

function changeOf(data: unknown): ChangeJson | undefined {
  try {
    const value: unknown = JSON.parse(String(data))
    // The server checks what it sends against the same type.
    return typeof value === 'object' && value !== null && 'runId' in value ? (value as ChangeJson) : undefined
  } catch {
    return undefined
  }
}
