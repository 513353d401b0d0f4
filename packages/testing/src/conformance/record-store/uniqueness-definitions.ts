/** One unfinished run per workflow and foreign id, decided by the database. */
import { checkEqual, checkPresent } from '../check.ts'
import { createUnit, finished, moved, moveUnit, newId, newRun } from '../runs.ts'
import { checkOk, checkRefused, commitOk, runAt, withoutSeq } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Cases about foreign ids. */
export const uniquenessDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'of racing triggers of one foreign id exactly one creates a run',
    test: async ({ openStore, capabilities }) => {
      const stores = capabilities.multiInstance ? [await openStore(), await openStore()] : [await openStore()]
      for (let round = 0; round < 5; round++) {
        const foreignId = newId('foreign')
        const rivals = Array.from({ length: 20 }, () => newRun({ foreignId }))
        const answers = await Promise.all(rivals.map((run, n) => checkPresent(stores[n % stores.length], 'open').commit(createUnit(run))))
        const winners = rivals.filter((_, n) => answers[n]?.ok)
        checkEqual(winners.length, 1, 'of racing creates of one foreign id exactly one commits')
        const winner = checkPresent(winners[0], 'a winner')
        for (const answer of answers.filter(({ ok }) => !ok)) {
          const refused = checkRefused(
            answer,
            'in-progress',
            (answer as { runId: string }).runId,
            'a foreign id that is taken answers in-progress',
          )
          checkEqual(withoutSeq(refused.current), winner, 'in-progress shows the unfinished run')
        }
        for (const store of stores)
          checkEqual(withoutSeq(await store.latest(winner.workflowName, foreignId)), winner, 'latest finds the winner')
      }
    },
  },
  {
    name: 'a refused create leaves no trace of its run',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const rival = newRun({ foreignId: run.foreignId })
      const refused = checkRefused(
        await store.commit(createUnit(rival)),
        'in-progress',
        rival.runId,
        'a foreign id that is taken answers in-progress',
      )
      checkEqual(withoutSeq(refused.current), run, 'in-progress shows the unfinished run')
      checkEqual(await store.lookup(rival.runId), undefined, 'a refused create writes nothing')
    },
  },
  {
    name: 'a finished run frees its foreign id and a paused one keeps it',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = await runAt(store, newRun())
      const paused = moved(first, { runState: 'Paused' })
      await commitOk(store, moveUnit(first, paused))
      const second = newRun({ foreignId: first.foreignId })
      checkRefused(await store.commit(createUnit(second)), 'in-progress', second.runId, 'a paused run keeps its foreign id')
      await commitOk(store, moveUnit(paused, finished(paused, { runState: 'Cancelled' })))
      checkOk(await store.commit(createUnit(second)), 'a finished run frees its foreign id')
      checkEqual((await store.lookup(first.runId))?.runState, 'Cancelled', 'the earlier run stays as it was')
    },
  },
  {
    name: 'a unit may finish a run and start the next one of its foreign id',
    needs: ['atomicRuns'],
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = await runAt(store, newRun())
      const second = newRun({ foreignId: first.foreignId })
      const id = newId('unit')
      const changes = [...(moveUnit(first, finished(first), { id }).changes ?? []), ...(createUnit(second, { id }).changes ?? [])]
      checkOk(await store.commit({ id, changes }), 'changes of a unit apply in their order, each seeing the ones before it')
      checkEqual((await store.latest(first.workflowName, first.foreignId))?.runId, second.runId, 'latest finds the new run')
    },
  },
  {
    name: 'foreign ids are the same only when every character is',
    test: async ({ openStore }) => {
      const store = await openStore()
      const foreignIds = [
        'Order-1',
        'order-1',
        'order-1 ',
        ' order-1',
        'order_1',
        'order%1',
        'é',
        'e\u0301',
        'ß',
        'ss',
        '１',
        '1',
        '01',
        '1.0',
      ]
      const runs = foreignIds.map((foreignId) => newRun({ foreignId }))
      for (const run of runs)
        checkOk(
          await store.commit(createUnit(run)),
          `foreign ids differ unless every character is equal (${JSON.stringify(run.foreignId)})`,
        )
      for (const run of runs)
        checkEqual(
          (await store.latest(run.workflowName, run.foreignId))?.runId,
          run.runId,
          `latest takes foreign ids literally (${JSON.stringify(run.foreignId)})`,
        )
    },
  },
  {
    name: 'workflows do not share foreign ids',
    test: async ({ openStore }) => {
      const store = await openStore()
      const foreignId = newId('foreign')
      const runs = ['orders', 'Orders', 'orders/x', 'orders '].map((workflowName) => newRun({ workflowName, foreignId }))
      for (const run of runs) checkOk(await store.commit(createUnit(run)), 'a foreign id is taken within its workflow only')
      for (const run of runs)
        checkEqual((await store.latest(run.workflowName, foreignId))?.runId, run.runId, 'latest looks within the workflow only')
    },
  },
  {
    name: 'latest is the run that was created last, whatever clocks say',
    test: async ({ openStore }) => {
      const store = await openStore()
      const foreignId = newId('foreign')
      let last = ''
      for (const year of [2030, 2020, 2025]) {
        const at = new Date(Date.UTC(year, 0, 1))
        const run = await runAt(store, newRun({ foreignId, createdAt: at, updatedAt: at }))
        checkEqual((await store.latest(run.workflowName, foreignId))?.runId, run.runId, 'latest is the unfinished run')
        await commitOk(store, moveUnit(run, finished(run, { updatedAt: new Date(Date.UTC(year, 1, 1)) })))
        last = run.runId
      }
      checkEqual((await store.latest('orders', foreignId))?.runId, last, 'latest of finished runs is the one with the highest seq')
    },
  },
]
