import { describe, expect, test } from 'vitest'
import type { FailedAttemptJson, HistoryEntryJson, TimerJson } from '../../src/api/run-json.ts'
import { pathTaken, timelineOf, timelineWindow, wayKey } from '../../app/data/run-timeline.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString()
const entry = (version: number, to: string, second: number, more: Partial<HistoryEntryJson> = {}): HistoryEntryJson => ({
  version,
  to,
  states: ['Running'],
  by: 'step',
  at: at(second),
  attempt: 1,
  instance: 'a',
  ...more,
})
const failure = (attempt: number, second: number): FailedAttemptJson => ({
  name: 'Error',
  message: 'no',
  process: 'created',
  attempt,
  startedAt: at(second),
  durationMs: 1_000,
  instance: 'a',
})
const timer = (name: string, second: number, state: TimerJson['state']): TimerJson => ({
  kind: 'timeout',
  name,
  version: 1,
  at: at(second),
  state,
  attempt: 1,
})
const open = { finished: false, nowMs: Date.parse(at(60)) }

describe('timelineOf', () => {
  test('is in the order of time, attempts before the move that they led to, what is to come last', () => {
    const entries = [entry(1, 'created', 0), entry(2, 'paid', 3, { from: 'created', failures: [failure(2, 2), failure(1, 1)] })]
    const timers = [timer('late', 90, 'open'), timer('early', 10, 'fired'), timer('held', 80, 'held')]
    const items = timelineOf(entries, timers, [failure(3, 4)], open)
    const said = items.map((item) =>
      item.kind === 'move' ? item.entry.to : item.kind === 'failure' ? `attempt ${item.failure.attempt}` : item.timer.name,
    )
    expect(said).toEqual(['created', 'attempt 1', 'attempt 2', 'paid', 'attempt 3', 'held', 'late'])
  })

  test('says how long the run stayed, until now for the last status, and not at all once it is over', () => {
    const stays = (finished: boolean) =>
      timelineOf([entry(1, 'created', 0), entry(2, 'paid', 5)], [], [], { ...open, finished }).map((item) =>
        item.kind === 'move' ? item.stayedMs : undefined,
      )
    expect(stays(false)).toEqual([5_000, 55_000])
    expect(stays(true)).toEqual([5_000, undefined])
  })

  test('shows an attempt once that is in the history and in the explanation', () => {
    const items = timelineOf([entry(1, 'created', 0, { failures: [failure(1, 1)] })], [], [failure(1, 1)], open)
    expect(items.filter(({ kind }) => kind === 'failure')).toHaveLength(1)
  })

  test('an attempt that failed in the moment in which its status was entered stands after that move', () => {
    const entries = [entry(1, 'created', 0), entry(2, 'paid', 3, { from: 'created' }), entry(3, 'paid', 4, { failures: [failure(1, 2)] })]
    const items = timelineOf(entries, [], [failure(2, 3)], open)
    expect(items.map((item) => (item.kind === 'move' ? item.entry.version : item.kind))).toEqual([1, 2, 'failure', 3, 'failure'])
  })

  test('clocks that are apart make no negative stay', () => {
    const [first] = timelineOf([entry(1, 'created', 9), entry(2, 'paid', 5)], [], [], open)
    expect(first?.kind === 'move' && first.stayedMs).toBeGreaterThanOrEqual(0)
  })
})

test('pathTaken knows the statuses and ways that a run has been through', () => {
  const { statuses, ways } = pathTaken([entry(1, 'created', 0), entry(2, 'paid', 1, { from: 'created' })])
  expect([...statuses]).toEqual(['created', 'paid'])
  expect([...ways]).toEqual([wayKey('created', 'paid')])
})

describe('timelineWindow', () => {
  test('shows the newest, and follows them', () => {
    expect(timelineWindow(0, undefined)).toEqual({ from: 0, to: 0, next: undefined })
    expect(timelineWindow(150, undefined)).toEqual({ from: 0, to: 150, next: undefined })
    expect(timelineWindow(10_000, undefined)).toEqual({ from: 9_800, to: 10_000, next: undefined })
  })

  test('goes back and forth through all of them, and shows each', () => {
    const seen = new Set<number>()
    const see = ({ from, to }: { readonly from: number; readonly to: number }): void => {
      for (let i = from; i < to; i++) seen.add(i)
    }
    let window = timelineWindow(5_432, undefined)
    see(window)
    while (window.from > 0) see((window = timelineWindow(5_432, window.from)))
    expect(seen.size).toBe(5_432)
    seen.clear()
    see(window)
    while (window.to < 5_432) see((window = timelineWindow(5_432, window.next)))
    expect(seen.size).toBe(5_432)
  })
})
