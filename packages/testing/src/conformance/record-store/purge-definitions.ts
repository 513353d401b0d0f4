/** Retention: `purge` deletes finished runs, each with all that it owns, and nothing else. */
import type { NextRecord, RecordStore } from '@workflow/core/adapter'
import { checkEqual } from '../check.ts'
import { createUnit, finished, item, moveUnit, newId, newRun, workflowName } from '../runs.ts'
import { newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, checkOk, commitOk, everything, runAt, withoutSeq } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n))

async function finishedRun(store: RecordStore, finishedAt: Date, fields: Partial<NextRecord> = {}): Promise<NextRecord> {
  const run = await runAt(store, newRun(fields))
  await commitOk(store, {
    id: newId('unit'),
    append: [{ ...item(run.runId, 'a'), ifUnfinished: true }],
    timers: [{ put: newTimer({ key: { owner: run.runId } }) }],
  })
  const ended = finished(run, { finishedAt })
  await commitOk(store, moveUnit(run, ended))
  return ended
}

/** Cases about `purge`. */
export const purgeDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'a purged run is gone with all that it owns',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await finishedRun(store, day(1))
      const kept = await finishedRun(store, day(5))
      const before = await everything(store, kept.runId)
      checkEqual(await store.purge({ finishedBefore: day(3) }, 100), 1, 'purge answers how many runs it deleted')
      checkEqual(await store.lookup(run.runId), undefined, 'a purged run is gone')
      checkEqual(await store.latest(run.workflowName, run.foreignId), undefined, 'a purged run is no longer the latest')
      checkEqual(
        [await allHistory(store, run.runId), await allItems(store, run.runId), await allTimers(store, run.runId)],
        [[], [], []],
        'a purged run takes its history, items and timers along',
      )
      checkEqual(await everything(store, kept.runId), before, 'purge leaves other runs whole')
    },
  },
  {
    name: 'purging spares unfinished and younger runs',
    test: async ({ openStore }) => {
      const store = await openStore()
      const unfinished = await runAt(store, newRun({ createdAt: day(1), updatedAt: day(1) }))
      const border = await finishedRun(store, day(3))
      checkEqual(await store.purge({ finishedBefore: day(3) }, 100), 0, '`finishedBefore` is exclusive, and unfinished runs stay')
      for (const run of [unfinished, border])
        checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'purge deletes only runs that finished before the date')
    },
  },
  {
    name: 'purging keeps to its query and its limit',
    test: async ({ openStore }) => {
      const store = await openStore()
      for (let n = 0; n < 5; n++) await finishedRun(store, day(1))
      const other = await finishedRun(store, day(1), { workflowName: 'refunds' })
      const counts = [
        await store.purge({ workflowName, finishedBefore: day(2) }, 2),
        await store.purge({ workflowName, finishedBefore: day(2) }, 2),
        await store.purge({ workflowName, finishedBefore: day(2) }, 2),
      ]
      checkEqual(counts, [2, 2, 1], 'purge deletes up to `limit` runs')
      checkEqual(withoutSeq(await store.lookup(other.runId)), other, 'purge deletes only runs that match its query')
      checkEqual(await store.purge({ runState: [], finishedBefore: day(9) }, 100), 0, 'an empty list matches nothing')
    },
  },
  {
    name: 'a purged run id may be created again',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await finishedRun(store, day(1))
      const seq = (await store.lookup(run.runId))?.seq ?? 0n
      await store.purge({ finishedBefore: day(2) }, 100)
      const again = newRun({ runId: run.runId, foreignId: run.foreignId })
      const answer = checkOk(await store.commit(createUnit(again)), 'nothing of a purged run stands in the way')
      checkEqual([answer.replayed, (answer.seqs[0] ?? 0n) > seq], [false, true], 'seqs grow, also after a purge')
      checkEqual((await allHistory(store, run.runId)).length, 1, 'a purged run leaves nothing to its successor')
    },
  },
]
