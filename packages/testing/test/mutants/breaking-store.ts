/** Ways to break a store that many mutants share. */
import type { CommitOptions, CommitResult, NextRecord, RecordStore, RunRecord, Unit } from '@workflow/core/adapter'
import type { StoreChanger } from '../memory-harness.ts'

type Commit = RecordStore['commit']

let ids = 0

/** An id that no unit has. */
export function freshId(): string {
  return `mutant-${++ids}`
}

/** Another way to commit. */
export function committing(
  change: (commit: Commit, store: RecordStore, unit: Unit, options: CommitOptions | undefined) => Promise<CommitResult>,
): StoreChanger {
  return (store) => {
    const inFlight = new Set<Promise<unknown>>()
    return {
      ...store,
      commit: (unit, options) => {
        const answer = change(store.commit, store, unit, options)
        inFlight.add(answer)
        const done = (): void => {
          inFlight.delete(answer)
        }
        answer.then(done, done)
        return answer
      },
      // What a mutant does first must not make `close` look as if it did not wait.
      close: async () => {
        await Promise.allSettled(inFlight)
        await store.close()
      },
    }
  }
}

/** Changes units on their way in. */
export function units(change: (unit: Unit, store: RecordStore) => Unit | Promise<Unit>): StoreChanger {
  return committing(async (commit, store, unit, options) => commit(await change(unit, store), options))
}

/** Does something after a unit was answered as a replay. */
export function onReplay(
  change: (store: RecordStore, unit: Unit, answer: CommitResult & { readonly ok: true }) => Promise<CommitResult | undefined | void>,
): StoreChanger {
  return committing(async (commit, store, unit, options) => {
    const answer = await commit(unit, options)
    return answer.ok && answer.replayed ? ((await change(store, unit, answer)) ?? answer) : answer
  })
}

/** Does something after a unit was refused. */
export function onRefusal(
  change: (store: RecordStore, unit: Unit, answer: CommitResult & { readonly ok: false }) => Promise<CommitResult | undefined | void>,
): StoreChanger {
  return committing(async (commit, store, unit, options) => {
    const answer = await commit(unit, options)
    return answer.ok ? answer : ((await change(store, unit, answer)) ?? answer)
  })
}

/** Changes records that are read, wherever. */
export function records(change: (record: RunRecord) => RunRecord): StoreChanger {
  const maybe = (record: RunRecord | undefined): RunRecord | undefined => (record === undefined ? undefined : change(record))
  return (store) => ({
    ...store,
    lookup: async (runId) => maybe(await store.lookup(runId)),
    latest: async (workflowName, foreignId) => maybe(await store.latest(workflowName, foreignId)),
  })
}

/** A unit with another next record in each of its changes. */
export function withNext(unit: Unit, change: (next: NextRecord) => NextRecord): Unit {
  return {
    ...unit,
    ...(unit.changes === undefined
      ? {}
      : {
          changes: unit.changes.map((each) => {
            const next = change(each.next)
            return {
              ...each,
              next,
              event: { ...each.event, runId: next.runId, foreignId: next.foreignId, workflowName: next.workflowName, status: next.status },
              history: { ...each.history, runId: next.runId, to: next.status },
            }
          }),
        }),
  }
}

/** A unit over whatever version is stored now. */
export function overCurrent(unit: Unit, current: number): Unit {
  return {
    ...unit,
    changes: (unit.changes ?? []).map((change) => ({
      ...change,
      expect: current,
      next: {
        ...change.next,
        version: current + 1,
        entered: { ...change.next.entered, version: Math.min(change.next.entered.version, current + 1) },
      },
      event: { ...change.event, version: current + 1 },
      history: { ...change.history, version: current + 1 },
    })),
  }
}

/** A copy with every string changed. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const map = (each: unknown): unknown => {
    if (typeof each === 'string') return change(each)
    if (typeof each !== 'object' || each === null || each instanceof Date || each instanceof Uint8Array) return each
    if (Array.isArray(each)) return each.map(map)
    return Object.fromEntries(Object.entries(each).map(([key, field]) => [change(key), map(field)]))
  }
  return map(value) as T // Holds: only strings were replaced, by strings.
}

/** A copy with every payload's bytes changed. */
export function mapBytes<T>(value: T, change: (bytes: Uint8Array) => Uint8Array): T {
  const map = (each: unknown): unknown => {
    if (each instanceof Uint8Array) return change(each)
    if (typeof each !== 'object' || each === null || each instanceof Date) return each
    if (Array.isArray(each)) return each.map(map)
    return Object.fromEntries(Object.entries(each).map(([key, field]) => [key, map(field)]))
  }
  return map(value) as T // Holds: only bytes were replaced, by bytes.
}

/** A copy with every date changed. */
export function mapDates<T>(value: T, change: (date: Date) => Date): T {
  const map = (each: unknown): unknown => {
    if (each instanceof Date) return change(each)
    if (typeof each !== 'object' || each === null || each instanceof Uint8Array) return each
    if (Array.isArray(each)) return each.map(map)
    return Object.fromEntries(Object.entries(each).map(([key, field]) => [key, map(field)]))
  }
  return map(value) as T // Holds: only dates were replaced, by dates.
}
