import { expect, test } from 'vitest'
import { ManualClock } from '../../test/manual-clock.ts'
import { StoreCorrupt, StoreUnavailable } from '../errors.ts'
import type { CommitResult, Unit } from '../model/unit.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { RecordStore } from '../ports/record-store.ts'
import { Committer } from './committer.ts'
import { HandOffCache } from './hand-off-cache.ts'

const committed: CommitResult = { ok: true, replayed: false, final: true, seqs: [] }
const busy: CommitResult = { ok: false, reason: 'busy' }

/** A committer over a store that answers as told, in order. */
function over(...answers: readonly (CommitResult | Error)[]): {
  readonly committer: Committer
  readonly clock: ManualClock
  readonly cache: HandOffCache
  readonly sent: Unit[]
  readonly warned: () => number
} {
  const clock = new ManualClock()
  const cache = new HandOffCache(clock)
  const sent: Unit[] = []
  let warnings = 0
  const store = {
    commit: async (unit: Unit): Promise<CommitResult> => {
      const answer = answers[sent.length] ?? committed
      sent.push(unit)
      if (answer instanceof Error) throw answer
      return answer
    },
  } as RecordStore
  const quiet = (): void => undefined
  return {
    committer: new Committer(store, clock, () => 0.5, cache, {
      debug: quiet,
      info: quiet,
      warn: () => {
        warnings += 1
      },
      error: quiet,
    }),
    clock,
    cache,
    sent,
    warned: () => warnings,
  }
}

const unit: Unit = { id: 'u1' }

test('a lost answer is asked for with the very same unit until there is one, and the cache is dropped', async () => {
  const { committer, clock, cache, sent, warned } = over(new StoreUnavailable('reset'), new TypeError("a driver's own"), committed)
  cache.put({ runId: 'a', version: 1 } as RunRecord, clock.monotonic())
  const result = committer.commit(unit)
  await clock.advance(10)
  expect(cache.newestVersion('a')).toBe(0)
  await clock.advance(10)
  expect(await result).toBe(committed)
  expect(sent).toEqual([unit, unit, unit])
  expect(warned()).toBe(2)
})

test('busy is waited out without a word, ever longer', async () => {
  const { committer, clock, sent, warned } = over(...Array.from({ length: 12 }, () => busy))
  const result = committer.commit(unit)
  for (let i = 0; i < 12; i++) await clock.advance(1_000)
  expect(await result).toBe(committed)
  expect([sent.length, warned(), clock.pending]).toEqual([13, 0, 0])
})

test('a refusal is an answer', async () => {
  const refused: CommitResult = { ok: false, reason: 'conflict', runId: 'a', current: undefined }
  const { committer, sent } = over(refused)
  expect(await committer.commit(unit)).toBe(refused)
  expect(sent).toHaveLength(1)
})

test('what sending again cannot mend is thrown at once, and the signal ends the rest', async () => {
  await expect(over(new StoreCorrupt('row 7')).committer.commit(unit)).rejects.toThrow('row 7')
  const { committer, clock } = over(...Array.from({ length: 100 }, () => new StoreUnavailable('away')))
  const abort = new AbortController()
  const result = committer.commit(unit, abort.signal)
  result.catch(() => undefined)
  await clock.advance(10)
  abort.abort(new Error('enough'))
  await expect(result).rejects.toThrow('enough')
  expect(clock.pending).toBe(0)
})
