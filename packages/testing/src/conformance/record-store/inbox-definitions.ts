/** Items wait in a run's inbox, in order, each once, until a unit consumes them. */
import { checkEqual, checkThat } from '../check.ts'
import { allPages } from '../paging.ts'
import { finished, item, moved, moveUnit, newId, newRun } from '../runs.ts'
import { allItems, checkOk, checkRefused, commitOk, everything, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Cases about items. */
export const inboxDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'items wait in the order of their commits, apart by run and stream',
    test: async ({ openStore }) => {
      const store = await openStore()
      const [run, other] = [await runAt(store, newRun()), await runAt(store, newRun())]
      for (const id of ['c', 'a', 'b']) {
        await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, id), ifUnfinished: true }] })
        await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, id, { stream: 'signals' }), ifUnfinished: true }] })
      }
      await commitOk(store, { id: newId('unit'), append: [{ ...item(other.runId, 'a'), ifUnfinished: true }] })
      const items = await allItems(store, run.runId)
      checkEqual(
        items.map(({ pos: _pos, ...rest }) => rest),
        ['c', 'a', 'b'].map((id) => item(run.runId, id)),
        'items come in the order of their commits, as they were given',
      )
      checkThat(
        items.every(({ pos }, n) => n === 0 || pos > (items[n - 1]?.pos ?? pos)),
        'positions grow within a stream',
        JSON.stringify(items.map(({ pos }) => pos)),
      )
      checkEqual((await allItems(store, run.runId, 'signals')).length, 3, 'streams of one run are apart')
      checkEqual(
        (await allItems(store, other.runId)).map(({ id }) => id),
        ['a'],
        'streams of two runs are apart',
      )
      checkEqual(await allItems(store, run.runId, 'nobody'), [], 'an unknown stream is empty')
    },
  },
  {
    name: 'an item id that is known changes nothing, consumed or not',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const append = (text: string): ReturnType<typeof store.commit> =>
        store.commit({ id: newId('unit'), append: [{ ...item(run.runId, 'a', { body: item('', text).body }), ifUnfinished: true }] })
      await append('one')
      const [first] = await allItems(store, run.runId)
      checkOk(await append('two'), 'an item id that is known is no reason to refuse')
      checkEqual(await allItems(store, run.runId), [first], 'an item id that is known changes nothing')
      await commitOk(store, { id: newId('unit'), consume: [{ runId: run.runId, stream: 'inbox', through: first?.pos ?? 0 }] })
      checkOk(await append('three'), 'the id of a consumed item is no reason to refuse')
      checkEqual(await allItems(store, run.runId), [], 'the id of a consumed item stays known')
    },
  },
  {
    name: 'a known item id wins over every condition',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, 'a'), ifUnfinished: true, ifVersion: 1 }] })
      await commitOk(store, moveUnit(run, finished(run)))
      const again = { id: newId('unit'), append: [{ ...item(run.runId, 'a'), ifUnfinished: true, ifVersion: 1 }] }
      checkOk(await store.commit(again), 'an append whose id the stream knows is a no-op before any condition is looked at')
      const before = await everything(store, run.runId)
      checkEqual((before as { items: readonly unknown[] }).items.length, 1, 'an item id that is known is not added again')
    },
  },
  {
    name: 'consuming goes through one position and leaves later items',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, {
        id: newId('unit'),
        append: ['a', 'b', 'c', 'd'].map((id) => ({ ...item(run.runId, id), ifUnfinished: true })),
      })
      await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, 'x', { stream: 'signals' }), ifUnfinished: true }] })
      const items = await allItems(store, run.runId)
      checkEqual(
        items.map(({ id }) => id),
        ['a', 'b', 'c', 'd'],
        'items of one unit keep their order',
      )
      const through = items[1]?.pos ?? 0
      for (let times = 0; times < 2; times++)
        await commitOk(store, { id: newId('unit'), consume: [{ runId: run.runId, stream: 'inbox', through }] })
      checkEqual(
        (await allItems(store, run.runId)).map(({ id }) => id),
        ['c', 'd'],
        'consume takes every item up to and including the position',
      )
      checkEqual(
        (await allItems(store, run.runId, 'signals')).map(({ id }) => id),
        ['x'],
        'consume takes from its own stream only',
      )
      await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, 'e'), ifUnfinished: true }] })
      checkEqual(
        (await allItems(store, run.runId)).map(({ id }) => id),
        ['c', 'd', 'e'],
        'positions go on after consumed ones',
      )
    },
  },
  {
    name: 'an item for an unfinished run is refused by a finished or unknown one',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, moveUnit(run, finished(run)))
      const refused = checkRefused(
        await store.commit({ id: newId('unit'), append: [{ ...item(run.runId, 'a'), ifUnfinished: true }] }),
        'finished',
        run.runId,
        'an append that needs an unfinished run is refused by a finished one',
      )
      checkEqual(refused.current?.version, 2, 'a refusal shows the finished run')
      const nobody = newId('run')
      const unknown = checkRefused(
        await store.commit({ id: newId('unit'), append: [{ ...item(nobody, 'a'), ifUnfinished: true }] }),
        'finished',
        nobody,
        'an append that needs an unfinished run is refused by an unknown one',
      )
      checkEqual(unknown.current, undefined, 'nothing stands in the way of an unknown run')
      checkOk(
        await store.commit({ id: newId('unit'), append: [{ ...item(run.runId, 'b'), ifUnfinished: false }] }),
        'an append without the condition is taken by a finished run',
      )
      checkEqual(
        (await allItems(store, run.runId)).map(({ id }) => id),
        ['b'],
        'a refused append writes nothing',
      )
    },
  },
  {
    name: 'an item for one version is refused by every other',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun(), 2)
      for (const ifVersion of [1, 3]) {
        const refused = checkRefused(
          await store.commit({ id: newId('unit'), append: [{ ...item(run.runId, `v${ifVersion}`), ifUnfinished: true, ifVersion }] }),
          'conflict',
          run.runId,
          'an append for another version is a conflict',
        )
        checkEqual(refused.current?.version, 2, 'a conflict shows the run as stored')
      }
      checkOk(
        await store.commit({ id: newId('unit'), append: [{ ...item(run.runId, 'v2'), ifUnfinished: true, ifVersion: 2 }] }),
        'an append for the stored version is taken',
      )
      checkEqual(
        (await allItems(store, run.runId)).map(({ id }) => id),
        ['v2'],
        'a refused append writes nothing',
      )
      checkEqual((await store.lookup(run.runId))?.version, 2, 'items never change a version')
    },
  },
  {
    name: 'a change that needs an empty inbox is refused while items wait there',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, { id: newId('unit'), append: ['a', 'b'].map((id) => ({ ...item(run.runId, id), ifUnfinished: true })) })
      const [a, b] = await allItems(store, run.runId)
      const next = moved(run)
      const withEmpty = (stream: string): ReturnType<typeof moveUnit> => {
        const unit = moveUnit(run, next)
        return { ...unit, changes: (unit.changes ?? []).map((change) => ({ ...change, ifEmpty: stream })) }
      }
      const refused = checkRefused(
        await store.commit(withEmpty('inbox')),
        'conflict',
        run.runId,
        'a change that needs an empty stream is refused while items wait',
      )
      checkEqual(refused.current?.version, 1, 'a conflict shows the run as stored')
      const partly = { ...withEmpty('inbox'), consume: [{ runId: run.runId, stream: 'inbox', through: a?.pos ?? 0 }] }
      checkRefused(await store.commit(partly), 'conflict', run.runId, 'items beyond those that the unit consumes stand in the way')
      checkEqual((await allItems(store, run.runId)).length, 2, 'a refused unit consumes nothing')
      const whole = { ...withEmpty('inbox'), consume: [{ runId: run.runId, stream: 'inbox', through: b?.pos ?? 0 }] }
      checkOk(await store.commit(whole), 'items that the unit itself consumes do not stand in its way')
    },
  },
  {
    name: 'items of another stream or consumed ones do not make an inbox full',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, {
        id: newId('unit'),
        append: [
          { ...item(run.runId, 'a'), ifUnfinished: true },
          { ...item(run.runId, 'x', { stream: 'signals' }), ifUnfinished: true },
        ],
      })
      const [a] = await allItems(store, run.runId)
      await commitOk(store, { id: newId('unit'), consume: [{ runId: run.runId, stream: 'inbox', through: a?.pos ?? 0 }] })
      const unit = moveUnit(run, moved(run))
      checkOk(
        await store.commit({ ...unit, changes: (unit.changes ?? []).map((change) => ({ ...change, ifEmpty: 'inbox' })) }),
        'only unconsumed items of the named stream stand in the way',
      )
    },
  },
  {
    name: 'of a callback and the transition that would miss it exactly one commits',
    test: async ({ openStore }) => {
      const store = await openStore()
      for (let round = 0; round < 20; round++) {
        const run = await runAt(store, newRun())
        const unit = moveUnit(run, moved(run))
        const leave = { ...unit, changes: (unit.changes ?? []).map((change) => ({ ...change, ifEmpty: 'inbox' })) }
        const call = { id: newId('unit'), append: [{ ...item(run.runId, 'a'), ifUnfinished: true, ifVersion: 1 }] }
        const [first, second] = await Promise.all((round % 2 === 0 ? [leave, call] : [call, leave]).map((each) => store.commit(each)))
        checkEqual([first?.ok, second?.ok].filter(Boolean).length, 1, 'a callback and a transition on one version never both win')
      }
    },
  },
  {
    name: 'pages of items hold every item once while items are added',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const ids = Array.from({ length: 23 }, (_, n) => `item-${n}`)
      await commitOk(store, { id: newId('unit'), append: ids.map((id) => ({ ...item(run.runId, id), ifUnfinished: true })) })
      let late = 0
      const addOne = async (): Promise<void> => {
        if (late++ < 3) await commitOk(store, { id: newId('unit'), append: [{ ...item(run.runId, `late-${late}`), ifUnfinished: true }] })
      }
      const seen = (await allPages((page) => store.items(run.runId, 'inbox', page), 5, addOne)).map(({ id }) => id)
      checkEqual(seen, [...ids, 'late-1', 'late-2', 'late-3'], 'pages of items go by position, without gaps or repeats')
    },
  },
]
