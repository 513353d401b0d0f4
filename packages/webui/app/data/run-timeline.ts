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

/** At first the newest so many are shown. */
const newestShown = 200
/** Then so many at a time: ten thousand at once would keep a browser busy for long. */
const windowSize = 500

/**
 * Which of so many items are shown: the newest, or those before `end`, which stay where they are however many come. `next`: the
 * `end` of those that follow; undefined where they are the newest.
 */
export function timelineWindow(
  count: number,
  end: number | undefined,
): { readonly from: number; readonly to: number; readonly next: number | undefined } {
  if (end === undefined) return { from: Math.max(0, count - newestShown), to: count, next: undefined }
  const to = Math.min(end, count)
  const after = to + windowSize
  return { from: Math.max(0, to - windowSize), to, next: after >= count ? undefined : after }
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
