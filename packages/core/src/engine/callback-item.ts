import type { StoredItem } from '../model/item.ts'

/** What the body of an inbox item holds, once decoded. */
export interface CallbackBody {
  /** The payload as the caller gave it, after its schema has accepted it; the schema is asked again when it is handled. */
  readonly payload?: unknown
  /** The stay that it is meant for; absent for a queued one, which suits the next stay that comes. */
  readonly entered?: number
  /** Somebody waits to hear how it ended. */
  readonly wait?: true
  readonly traceparent?: string
}

/** A callback that is next in line. */
export interface PendingCallback {
  readonly stored: StoredItem
  readonly body: CallbackBody
}

/** The unit that applies a callback. Derived, so that whoever waits recognises it in the history. */
export function callbackUnitId(runId: string, itemId: string, version: number): string {
  return `callback/${runId}/${version}/${itemId}`
}
