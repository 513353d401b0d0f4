/** What has happened to a run and what is to come, in one order: moves, failed attempts, timers. */
import type { FailedAttemptJson, HistoryEntryJson, TimerJson } from '../../src/api/run-json.ts'

export type TimelineItem =
  | { readonly kind: 'move'; readonly at: string; readonly entry: HistoryEntryJson; readonly stayedMs: number | undefined }
  | { readonly kind: 'failure'; readonly at: string; readonly failure: FailedAttemptJson }
  | { readonly kind: 'timer'; readonly at: string; readonly timer: TimerJson }

/** At the same moment an attempt fails before its run moves on. */
const rank = { failure: 0, move: 1, timer: 2 } as const

/**
 * Oldest first. `stayedMs`: how long the run was in the status that the entry led to; until `nowMs` for the last one, unless the
 * run is finished. Timers that fired are moves already and are left out; those that are open or held are to come.
 */
export function timelineOf(
  entries: readonly HistoryEntryJson[],
  timers: readonly TimerJson[],
  current: readonly FailedAttemptJson[],
  end: { readonly finished: boolean; readonly nowMs: number },
): readonly TimelineItem[] {
  const moves = entries.map((entry, i): TimelineItem => {
    const next = entries[i + 1]
    const until = next === undefined ? (end.finished ? undefined : end.nowMs) : Date.parse(next.at)
    return { kind: 'move', at: entry.at, entry, stayedMs: until === undefined ? undefined : Math.max(0, until - Date.parse(entry.at)) }
  })
  const failed = uniqueFailures([...entries.flatMap(({ failures }) => failures ?? []), ...current])
  const failures = failed.map((failure): TimelineItem => ({ kind: 'failure', at: endOf(failure), failure }))
  const waiting = timers.filter(({ state }) => state === 'open' || state === 'held')
  const ahead = waiting.map((timer): TimelineItem => ({ kind: 'timer', at: timer.at, timer }))
  return [...moves, ...failures].sort(byTime).concat(ahead.sort(byTime))
}

function byTime(a: TimelineItem, b: TimelineItem): number {
  return Date.parse(a.at) - Date.parse(b.at) || rank[a.kind] - rank[b.kind]
}

function endOf({ startedAt, durationMs }: FailedAttemptJson): string {
  const started = Date.parse(startedAt)
  return Number.isNaN(started) ? startedAt : new Date(started + durationMs).toISOString()
}

/** A pause keeps the attempts that led to it in the history, and the run still explains itself by them. */
function uniqueFailures(failures: readonly FailedAttemptJson[]): readonly FailedAttemptJson[] {
  const seen = new Set<string>()
  return failures.filter(({ process, attempt, startedAt }) => {
    const key = JSON.stringify([process, attempt, startedAt])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The statuses and ways that a run has taken, for its diagram. */
export function pathTaken(entries: readonly HistoryEntryJson[]): {
  readonly statuses: ReadonlySet<string>
  readonly ways: ReadonlySet<string>
} {
  const statuses = new Set(entries.flatMap(({ from, to }) => (from === undefined ? [to] : [from, to])))
  const ways = new Set(entries.flatMap(({ from, to }) => (from === undefined ? [] : [wayKey(from, to)])))
  return { statuses, ways }
}

export function wayKey(from: string, to: string): string {
  return JSON.stringify([from, to])
}
