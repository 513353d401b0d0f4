/** What a history says about the stays of a run: which handler calls may have happened, by their idempotency keys. */
import type { RunHistoryEntry } from '@workflow/core'

export interface Stay {
  readonly key: string
  readonly status: string
  /** The entry that ended it; undefined for the stay that the run is in. */
  readonly endedBy: RunHistoryEntry | undefined
}

/** Every stay, and every repeat within one, in order. */
export function staysOf(runId: string, entries: readonly RunHistoryEntry[]): readonly Stay[] {
  const stays: Stay[] = []
  let current: { key: string; status: string } | undefined
  let entered = 0
  let repeat = 0
  for (const entry of entries) {
    // Pauses and resumes belong to the stay.
    if (entry.by === 'person' || entry.by === 'engine') continue
    if (current !== undefined) stays.push({ ...current, endedBy: entry })
    if (entry.to === current?.status) repeat += 1
    else [entered, repeat] = [entry.version, 0]
    current = { key: `${runId}/${entered}/${repeat}`, status: entry.to }
  }
  if (current !== undefined) stays.push({ ...current, endedBy: undefined })
  return stays
}
