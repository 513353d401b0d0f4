/** What has happened to a run and what is to come, in one order: moves, failed attempts, timers. */
import type { FailedAttemptJson, HistoryEntryJson, TimerJson } from '../../src/api/run-json.ts'

export type TimelineItem =
  | { readonly kind: 'move'; readonly at: string; readonly entry: HistoryEntryJson; readonly stayedMs: number | undefined }
  | { readonly kind: 'failure'; readonly at: string; readonly failure: FailedAttemptJson }
  | { readonly kind: 'timer'; readonly at: string; readonly timer: TimerJson }

/**
 * In the order of versions, which clocks that are apart do not change; the attempts of a stay before the move that ended it. `stayedMs`: how long the run was in the status that the entry led to; until `nowMs` for the last one, unless the
 * run is finished. Timers that fired are moves already and are left out; those that are open or held are to come.
 */
export function timelineOf(
  entries: readonly HistoryEntryJson[],
  timers: readonly TimerJson[],
  current: readonly FailedAttemptJson[],
  end: { readonly finished: boolean; readonly nowMs: number },
): readonly TimelineItem[] {
  const seen = new Set<string>()
  const failuresOf = (all: readonly FailedAttemptJson[]): readonly TimelineItem[] =>
    all
      .filter((failure) => isNew(failure, seen))
      .map((failure): TimelineItem => ({ kind: 'failure', at: endOf(failure), failure }))
      .sort(byTime)
  const past = entries.flatMap((entry, i): readonly TimelineItem[] => {
    const next = entries[i + 1]
    const until = next === undefined ? (end.finished ? undefined : end.nowMs) : Date.parse(next.at)
    const stayedMs = until === undefined ? undefined : Math.max(0, until - Date.parse(entry.at))
    return [...failuresOf(entry.failures ?? []), { kind: 'move', at: entry.at, entry, stayedMs }]
  })
  const waiting = timers.filter(({ state }) => state === 'open' || state === 'held')
  const ahead = waiting.map((timer): TimelineItem => ({ kind: 'timer', at: timer.at, timer })).sort(byTime)
  return [...past, ...failuresOf(current), ...ahead]
}

function byTime(a: TimelineItem, b: TimelineItem): number {
  return Date.parse(a.at) - Date.parse(b.at)
}

function endOf({ startedAt, durationMs }: FailedAttemptJson): string {
  const started = Date.parse(startedAt)
  return Number.isNaN(started) ? startedAt : new Date(started + durationMs).toISOString()
}

/** A pause keeps the attempts that led to it in the history, and the run still explains itself by them. */
function isNew({ process, attempt, startedAt }: FailedAttemptJson, seen: Set<string>): boolean {
  const key = JSON.stringify([process, attempt, startedAt])
  return !seen.has(key) && seen.add(key).has(key)
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
