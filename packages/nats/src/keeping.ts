import type { CursorFlusher } from './cursor-flusher.ts'
import type { StreamFacts } from './feed.ts'

/** What makes a receiver keep its place. */
export interface Keeping {
  readonly flusher: CursorFlusher
  readonly cursorSubject: (slot: number) => string
  /** Where holders of its slots are announced. */
  readonly noticeSubject: string
  /** Where topics begin that a cursor does not know, and in which stream. */
  readonly starts: { readonly stream: string; readonly lanes: Readonly<Record<string, number>> }
  /** Whether a topic and slot ever had events: whether there can have been something to lose. */
  readonly wasUsed: (topic: string, slot: number) => Promise<boolean>
  /** What the stream is like now, as its leader knows it. */
  readonly facts: () => Promise<StreamFacts>
}

/** What somebody has said of holders; undefined where it was none of us, who says whatever it likes. */
export function noticeOf(text: string): Notice | undefined {
  try {
    const { holder, slots } = JSON.parse(text) as Partial<Record<keyof Notice, unknown>>
    if (typeof holder !== 'string') return undefined
    return Array.isArray(slots) ? { holder, slots: slots.filter((slot) => typeof slot === 'number') } : { holder }
  } catch {
    return undefined
  }
}

/** Says that slots have a new holder; without slots, all of them. Perhaps nobody hears it. */
export interface Notice {
  readonly holder: string
  readonly slots?: readonly number[]
}
