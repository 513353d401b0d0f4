/** A unit is written as a whole or not at all, and concerns nobody else. */
import type { RecordStore, Unit } from '@workflow/core/adapter'
import { checkEqual, checkRejects } from '../check.ts'
import { changeOf, createUnit, finished, item, moved, moveUnit, newId, newRun, note, slotsCount, wakeOf, workflowName } from '../runs.ts'
import { newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, checkOk, checkRefused, commitOk, everything, outboxEvents, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Everything that a unit can do to one run: to it the failing part is added. */
async function fullUnit(store: RecordStore): Promise<{ readonly runId: string; readonly unit: Unit; readonly before: unknown }> {
  const run = await runAt(store, newRun())
  const open = newTimer({ key: { owner: run.runId } })
  await commitOk(store, {
    id: newId('unit'),
    append: [{ ...item(run.runId, 'first'), ifUnfinished: true }],
    timers: [{ put: open }],
    attempts: [note(run)],
  })
  const [first] = await allItems(store, run.runId)
  const next = moved(run)
  const unit = moveUnit(run, next, {
    append: [{ ...item(run.runId, 'second'), ifUnfinished: true }],
    consume: [{ runId: run.runId, stream: 'inbox', through: first?.pos ?? 0 }],
    timers: [{ settle: open.key, as: 'completed' }, { put: newTimer({ key: { owner: run.runId, name: 'next' } }) }],
    attempts: [note(next)],
    emit: [wakeOf(next)],
  })
  return { runId: run.runId, unit, before: await everything(store, run.runId) }
}

/** Cases about units of several parts. */
export const atomicityDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'all parts of a unit are written',
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const { runId, unit } = await fullUnit(store)
      await commitOk(store, unit)
      const record = await store.lookup(runId)
      checkEqual([record?.version, record?.attempts?.map(({ version }) => version)], [2, [2]], 'a unit writes its change and its notes')
      checkEqual(
        (await allItems(store, runId)).map(({ id }) => id),
        ['second'],
        'a unit appends and consumes items',
      )
      checkEqual(
        (await allTimers(store, runId)).map(({ status }) => status),
        ['completed', 'open'],
        'a unit settles and opens timers',
      )
      const events = (await outboxEvents(store, workflowName, slotsCount, quiet)).filter((event) => event.runId === runId)
      checkEqual(
        events.map(({ kind, version }) => [kind, version]),
        [
          ['transition', 1],
          ['transition', 2],
          ['wake', 2],
        ],
        'a unit sends the event of its change and what it emits',
      )
    },
  },
  {
    name: 'a unit whose append is refused for a finished run leaves nothing',
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const { runId, unit, before } = await fullUnit(store)
      const other = await runAt(store, newRun())
      await commitOk(store, moveUnit(other, finished(other)))
      const answer = await store.commit({ ...unit, append: [...(unit.append ?? []), { ...item(other.runId, 'late'), ifUnfinished: true }] })
      const refused = checkRefused(answer, 'finished', other.runId, 'an append that needs an unfinished run is refused by a finished one')
      checkEqual([refused.current?.runId, refused.current?.runState], [other.runId, 'Completed'], 'a refusal shows what stands in the way')
      checkEqual(await everything(store, runId), before, 'a unit of which one part is refused writes nothing')
      const events = (await outboxEvents(store, workflowName, slotsCount, quiet)).filter((event) => event.runId === runId)
      checkEqual(events.length, 1, 'a refused unit sends no event')
    },
  },
  {
    name: 'a unit whose append meets another version leaves nothing',
    test: async ({ openStore }) => {
      const store = await openStore()
      const { runId, unit, before } = await fullUnit(store)
      const other = await runAt(store, newRun(), 3)
      const answer = await store.commit({
        ...unit,
        append: [...(unit.append ?? []), { ...item(other.runId, 'late'), ifUnfinished: true, ifVersion: 2 }],
      })
      checkRefused(answer, 'conflict', other.runId, 'an append for another version than the stored one is a conflict')
      checkEqual(await everything(store, runId), before, 'a unit of which one part is refused writes nothing')
      checkEqual(await allItems(store, other.runId), [], 'a refused append writes nothing')
    },
  },
  {
    name: 'a unit whose change meets an inbox that is not empty leaves nothing',
    test: async ({ openStore }) => {
      const store = await openStore()
      const { runId, unit, before } = await fullUnit(store)
      await commitOk(store, { id: newId('unit'), append: [{ ...item(runId, 'early', { stream: 'signals' }), ifUnfinished: true }] })
      const changes = (unit.changes ?? []).map((change) => ({ ...change, ifEmpty: 'signals' }))
      checkRefused(
        await store.commit({ ...unit, changes }),
        'conflict',
        runId,
        'a change that needs an empty inbox is refused by a full one',
      )
      checkEqual(await everything(store, runId), before, 'a unit of which one part is refused writes nothing')
    },
  },
  {
    name: 'a unit of several runs of which one is refused leaves nothing',
    needs: ['atomicRuns'],
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const { runId, unit, before } = await fullUnit(store)
      const other = await runAt(store, newRun(), 2)
      const stale = newRun({ runId: other.runId, foreignId: other.foreignId })
      const child = newRun()
      const changes = [...(unit.changes ?? []), changeOf(unit.id, child), changeOf(unit.id, moved(stale), stale)]
      checkRefused(
        await store.commit({ ...unit, changes }),
        'conflict',
        other.runId,
        'a change goes only over exactly its expected version',
      )
      checkEqual(await everything(store, runId), before, 'a unit of which one change is refused writes nothing')
      checkEqual(await store.lookup(child.runId), undefined, 'a unit of which one change is refused creates nothing')
      const events = await outboxEvents(store, workflowName, slotsCount, quiet)
      checkEqual(
        events.filter((event) => event.runId === child.runId),
        [],
        'a refused unit sends no event',
      )
    },
  },
  {
    name: 'a parent and its children move in one unit',
    needs: ['atomicRuns'],
    test: async ({ openStore }) => {
      const store = await openStore()
      const parent = await runAt(store, newRun())
      const next = moved(parent, { status: 'waiting' })
      const children = Array.from({ length: 3 }, () =>
        newRun({ workflowName: 'child', parent: { workflowName, runId: parent.runId, join: 'waiting/2' } }),
      )
      const id = newId('unit')
      await commitOk(store, { id, changes: [changeOf(id, next, parent), ...children.map((child) => changeOf(id, child))] })
      checkEqual((await store.lookup(parent.runId))?.version, 2, 'a unit moves every run that it names')
      for (const child of children)
        checkEqual((await store.lookup(child.runId))?.parent, child.parent, 'a unit creates every run that it names')
      for (const { runId } of [parent, ...children])
        checkEqual((await allHistory(store, runId)).at(-1)?.unitId, id, 'each entry of a unit keeps its id')
    },
  },
  {
    name: 'a later part of a unit sees the earlier ones',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const unit = createUnit(run, { append: [{ ...item(run.runId, 'a'), ifUnfinished: true, ifVersion: 1 }], attempts: [note(run)] })
      checkOk(await store.commit(unit), 'an append sees the run that its own unit creates')
      const record = await store.lookup(run.runId)
      checkEqual(record?.attempts?.length, 1, 'a note sees the version that its own unit writes')
      const next = moved(run)
      const items = await allItems(store, run.runId)
      const move = moveUnit(run, next, {
        append: [{ ...item(run.runId, 'b'), ifUnfinished: true, ifVersion: 2 }],
        consume: [{ runId: run.runId, stream: 'inbox', through: (items[0]?.pos ?? 0) + 1_000_000 }],
        attempts: [note(run, { process: 'late' }), note(next)],
      })
      checkOk(await store.commit(move), 'an append sees the version that its own unit writes')
      checkEqual(await allItems(store, run.runId), [], 'a consume sees what its own unit appends')
      checkEqual(
        (await store.lookup(run.runId))?.attempts?.map(({ process }) => process),
        ['step created'],
        'notes are for the version after the changes of their unit',
      )
    },
  },
  {
    name: 'an append to a run that its own unit finishes is refused',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const unit = moveUnit(run, finished(run), { append: [{ ...item(run.runId, 'late'), ifUnfinished: true }] })
      checkRefused(await store.commit(unit), 'finished', run.runId, 'an append sees the run as its own unit leaves it')
      checkEqual((await store.lookup(run.runId))?.version, 1, 'a refused unit writes nothing')
    },
  },
  {
    name: 'a unit with a field that nobody knows is refused before anything is written',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const unit = { ...createUnit(run), teleport: ['mars'] }
      const [, answer] = await Promise.all([
        checkRejects(() => store.commit(unit), 'Unsupported', 'a unit with a field that the adapter does not know throws Unsupported'),
        store.commit(createUnit(newRun())),
      ])
      checkOk(answer, 'an unsupported unit concerns nobody but itself')
      checkEqual(await store.lookup(run.runId), undefined, 'an unsupported unit writes nothing')
    },
  },
]
