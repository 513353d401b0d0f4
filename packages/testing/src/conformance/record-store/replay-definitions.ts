/** A unit is recognised by its id: sent again, it writes nothing and answers what it answered then. */
import type { RecordStore, Unit } from '@workflow/core/adapter'
import { checkEqual } from '../check.ts'
import { changeOf, createUnit, finished, item, moved, moveUnit, newId, newRun, note, slotsCount, workflowName } from '../runs.ts'
import { afterNoon, newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, checkOk, checkRefused, commitOk, everything, outboxEvents, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

async function checkReplayed(store: RecordStore, unit: Unit, seqs: readonly bigint[]): Promise<void> {
  const answer = checkOk(await store.commit(unit), 'a unit that is sent again is recognised by its id')
  checkEqual([answer.replayed, answer.final], [true, true], 'a unit that is sent again answers `replayed`')
  checkEqual(answer.seqs, seqs, 'a replay answers the seqs of then')
}

/** Cases about units that are sent more than once. */
export const replayDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'a create that is sent again is recognised',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const unit = createUnit(run)
      const { seqs } = await commitOk(store, unit)
      const before = await everything(store, run.runId)
      await checkReplayed(store, unit, seqs)
      checkEqual(await everything(store, run.runId), before, 'a replay writes nothing')
    },
  },
  {
    name: 'a change that is sent again is recognised',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const unit = moveUnit(run, moved(run))
      const { seqs } = await commitOk(store, unit)
      await checkReplayed(store, unit, seqs)
      checkEqual((await store.lookup(run.runId))?.version, 2, 'a replay writes nothing')
      checkEqual((await allHistory(store, run.runId)).length, 2, 'a replay adds no history')
    },
  },
  {
    name: 'a unit that was refused is not taken for committed when it is sent again',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const early = { id: newId('unit'), append: [{ ...item(run.runId, 'early'), ifUnfinished: true, ifVersion: 2 }] }
      for (const time of ['first', 'second'])
        checkRefused(await store.commit(early), 'conflict', run.runId, `an append for another version is refused the ${time} time`)
      await commitOk(store, moveUnit(run, moved(run)))
      const answer = checkOk(await store.commit(early), 'an append that was refused is written once its version has come')
      checkEqual(answer.replayed, false, 'what was refused was not written before')
      checkEqual((await allItems(store, run.runId)).length, 1, 'an append that is answered `ok` is there')
    },
  },
  {
    name: 'a unit is recognised after later versions',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const [create, move] = [createUnit(run), moveUnit(run, moved(run))]
      const { seqs } = await commitOk(store, create)
      await commitOk(store, move)
      let record = moved(run)
      for (let n = 0; n < 5; n++) {
        const next = moved(record)
        await commitOk(store, moveUnit(record, next))
        record = next
      }
      await commitOk(store, moveUnit(record, finished(record)))
      await checkReplayed(store, move, seqs)
      await checkReplayed(store, create, seqs)
      checkEqual((await store.lookup(run.runId))?.version, 8, 'a replay writes nothing')
    },
  },
  {
    name: 'a create is recognised after a newer run has its foreign id',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const unit = createUnit(run)
      const { seqs } = await commitOk(store, unit)
      await commitOk(store, moveUnit(run, finished(run)))
      await runAt(store, newRun({ foreignId: run.foreignId }))
      await checkReplayed(store, unit, seqs)
    },
  },
  {
    name: 'a unit that is sent again while it is in flight commits once',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const unit = createUnit(run)
      const answers = await Promise.all([store.commit(unit), store.commit(unit), store.commit(unit)])
      const oks = answers.map((answer) => checkOk(answer, 'a unit that is sent again in flight is recognised by its id'))
      checkEqual(oks.filter(({ replayed }) => !replayed).length, 1, 'one of them commits, the others are replays')
      checkEqual((await allHistory(store, run.runId)).length, 1, 'a replay adds no history')
    },
  },
  {
    name: 'another unit with the same content is a conflict',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const next = moved(run)
      await commitOk(store, moveUnit(run, next))
      checkRefused(
        await store.commit(moveUnit(run, next)),
        'conflict',
        run.runId,
        'only the unit that committed a version is recognised as its replay',
      )
    },
  },
  {
    name: 'a replay brings back nothing that later units ended',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const next = moved(run)
      const put = newTimer({ key: { owner: run.runId } })
      const unit = moveUnit(run, next, {
        append: [{ ...item(run.runId, 'a'), ifUnfinished: true }],
        timers: [{ put }],
        attempts: [note(next)],
      })
      const { seqs } = await commitOk(store, unit)
      const [stored] = await allItems(store, run.runId)
      await commitOk(store, {
        id: newId('unit'),
        consume: [{ runId: run.runId, stream: 'inbox', through: stored?.pos ?? 0 }],
        timers: [{ settle: put.key, as: 'completed' }],
        attempts: [note(next, { kind: 'skipped' })],
      })
      const before = await everything(store, run.runId)
      await checkReplayed(store, unit, seqs)
      checkEqual(await everything(store, run.runId), before, 'a replay writes nothing, not even beside the record')
    },
  },
  {
    name: 'a replay repeats none of its timer operations',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const timer = newTimer({ key: { owner: run.runId } })
      await store.timers.apply([{ put: timer }])
      const unit = moveUnit(run, moved(run), { timers: [{ move: timer.key, at: afterNoon(1), attempt: 1 }, { hold: run.runId }] })
      const { seqs } = await commitOk(store, unit)
      await store.timers.apply([{ move: timer.key, at: afterNoon(2), attempt: 2 }, { release: run.runId }])
      await checkReplayed(store, unit, seqs)
      const [stored] = await allTimers(store, run.runId)
      checkEqual([stored?.at, stored?.attempt, stored?.held], [afterNoon(2), 2, false], 'a replay repeats none of its timer operations')
    },
  },
  {
    name: 'a replay sends no second event',
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const run = newRun()
      const unit = createUnit(run)
      await commitOk(store, unit)
      await store.commit(unit)
      const events = await outboxEvents(store, workflowName, slotsCount, quiet)
      checkEqual(events.filter(({ runId }) => runId === run.runId).length, 1, 'exactly one event per commit that changes a record')
    },
  },
  {
    name: 'a unit of several runs that is sent again is recognised as a whole',
    needs: ['atomicRuns'],
    test: async ({ openStore }) => {
      const store = await openStore()
      const parent = await runAt(store, newRun())
      const children = [newRun({ workflowName: 'child' }), newRun({ workflowName: 'child' })]
      const id = newId('unit')
      const unit = { id, changes: [changeOf(id, moved(parent), parent), ...children.map((child) => changeOf(id, child))] }
      const { seqs } = await commitOk(store, unit)
      checkEqual(seqs.length, 3, 'one seq per change')
      for (const child of children) await commitOk(store, moveUnit(child, finished(child)))
      await checkReplayed(store, unit, seqs)
    },
  },
  {
    name: 'an item of a unit without changes stays consumed when the unit is sent again',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const unit: Unit = { id: newId('unit'), append: [{ ...item(run.runId, 'a'), ifUnfinished: true }] }
      await commitOk(store, unit)
      await commitOk(store, unit, 'a unit without changes may be sent again')
      const items = await allItems(store, run.runId)
      checkEqual(
        items.map(({ id }) => id),
        ['a'],
        'an item that is known is not added again',
      )
      await commitOk(store, { id: newId('unit'), consume: [{ runId: run.runId, stream: 'inbox', through: items[0]?.pos ?? 0 }] })
      await commitOk(store, unit, 'a unit without changes may be sent again')
      checkEqual(await allItems(store, run.runId), [], 'a consumed item stays known and does not come back')
    },
  },
  {
    name: 'another instance recognises a unit',
    needs: ['multiInstance'],
    test: async ({ openStore }) => {
      const [one, two] = [await openStore(), await openStore()]
      const run = newRun()
      const unit = createUnit(run)
      const { seqs } = await commitOk(one, unit)
      await checkReplayed(two, unit, seqs)
      await commitOk(two, moveUnit(run, moved(run)))
      await checkReplayed(one, unit, seqs)
    },
  },
]
