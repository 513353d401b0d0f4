/** From opening to closing: what is durable stays, what was opened goes. */
import type { RecordStore } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkRejects, checkThat } from '../check.ts'
import { aliveNow } from '../opened.ts'
import { createUnit, finished, item, moved, moveUnit, newId, newRun, note } from '../runs.ts'
import { newTimer } from '../timers.ts'
import { commitOk, everything, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Every call of a store, by name. */
function callsOf(store: RecordStore): Readonly<Record<string, () => Promise<unknown>>> {
  const page = { limit: 10 }
  const signal = new AbortController().signal
  return {
    commit: () => store.commit(createUnit(newRun())),
    lookup: () => store.lookup('run'),
    latest: () => store.latest('orders', 'foreign'),
    unfinishedChildren: () => store.unfinishedChildren('run', 'waiting/1', 1),
    list: () => store.list({}, page),
    count: () => store.count({}, 'status'),
    history: () => store.history('run', { ...page, objects: true }),
    items: () => store.items('run', 'inbox', page),
    rewrite: () => store.rewrite('run', (payload) => Promise.resolve(payload)),
    purge: () => store.purge({ finishedBefore: new Date() }, 1),
    'timers.apply': () => store.timers.apply([{ put: newTimer() }]),
    'timers.due': () => store.timers.due({ workflowName: 'orders', slots: [0], before: new Date(0) }, page),
    'timers.nextExpiry': () => store.timers.nextExpiry({ workflowName: 'orders', slots: [0] }),
    'timers.list': () => store.timers.list({}, page),
    'outbox.newReceiver': () => store.outbox.newReceiver({ workflowName: 'orders', claims: [] }),
    ...(store.transaction === undefined
      ? {}
      : { transaction: () => store.transaction?.(() => Promise.resolve(), { signal }) ?? Promise.resolve() }),
  }
}

/** Cases about opening, closing and losing connections. */
export const lifecycleDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'after close every call throws Stopped',
    test: async ({ open }) => {
      const instance = await open()
      await runAt(instance.port, newRun())
      await instance.close()
      for (const [name, call] of Object.entries(callsOf(instance.port))) {
        await checkRejects(call, 'Stopped', `every method throws Stopped after close (${name})`)
      }
    },
  },
  {
    name: 'closing twice is closing once',
    test: async ({ openStore, within }) => {
      const store = await openStore()
      await within(Promise.all([store.close(), store.close()]), 'close is idempotent')
      await within(store.close(), 'close is idempotent')
    },
  },
  {
    name: 'closing waits for what is in flight',
    test: async ({ openStore, capabilities, within }) => {
      const store = await openStore()
      const witness = capabilities.multiInstance ? await openStore() : undefined
      const runs = Array.from({ length: 50 }, () => newRun())
      let settled = 0
      const commits = runs.map((run) =>
        store
          .commit(createUnit(run))
          .then(
            ({ ok }) => ok,
            () => false,
          )
          .finally(() => {
            settled++
          }),
      )
      await within(store.close(), 'close comes to an end')
      // A promise that was settled before close resolved has told its listeners after a few turns.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
      checkEqual(settled, runs.length, 'close waits for what is in flight')
      const answers = await Promise.all(commits)
      checkThat(answers.every(Boolean), 'what was in flight is answered as if there were no close')
      if (witness !== undefined)
        for (const run of runs) checkEqual((await witness.lookup(run.runId))?.version, 1, 'a commit that was answered is durable')
    },
  },
  {
    name: 'closing leaves nothing alive',
    test: async ({ open, backend, eventually }) => {
      const before = aliveNow(backend)
      const instance = await open()
      const store = instance.port
      const run = await runAt(store, newRun(), 3)
      await store.list({}, { limit: 10 })
      await store.outbox.newReceiver({
        workflowName: run.workflowName,
        claims: [{ slot: 0, fence: { role: 'outbox/0', domain: 'kit', token: 1n } }],
      })
      store.onConnectionLost(() => undefined)
      await instance.close()
      await eventually(
        () => aliveNow(backend).length <= before.length,
        `close frees everything that the store opened (before: ${before.join(', ') || 'nothing'})`,
      )
    },
  },
  {
    name: 'everything is there after closing and opening again',
    needs: ['persistent'],
    test: async ({ open }) => {
      const instance = await open()
      const run = await runAt(instance.port, newRun(), 3)
      await commitOk(instance.port, {
        id: newId('unit'),
        append: [{ ...item(run.runId, 'a'), ifUnfinished: true }],
        timers: [{ put: newTimer({ key: { owner: run.runId } }) }],
        attempts: [note(run)],
      })
      const lastUnit = moveUnit(run, moved(run))
      await commitOk(instance.port, lastUnit)
      const [before, seq] = [await everything(instance.port, run.runId), (await instance.port.lookup(run.runId))?.seq]
      await instance.close()
      const again = (await open()).port
      checkEqual(await everything(again, run.runId), before, 'what commit answered is durable')
      checkEqual((await commitOk(again, lastUnit)).replayed, true, 'a unit is recognised after closing and opening again')
      const [next] = (await commitOk(again, createUnit(newRun()))).seqs
      checkThat((next ?? 0n) > (seq ?? 0n), 'seqs go on growing after closing and opening again', `${next} after ${seq}`)
    },
  },
  {
    name: 'several instances may open a new backend at once',
    needs: ['multiInstance'],
    test: async ({ openStore }) => {
      const stores = await Promise.all([openStore(), openStore(), openStore(), openStore()])
      const runs = await Promise.all(stores.map((store) => runAt(store, newRun(), 2)))
      for (const store of stores)
        for (const run of runs)
          checkEqual((await store.lookup(run.runId))?.version, 2, 'instances that opened a new backend at once share it')
    },
  },
  {
    name: 'one instance closes without disturbing another',
    needs: ['multiInstance'],
    test: async ({ open, openStore }) => {
      const leaving = await open()
      const staying = await openStore()
      const run = await runAt(leaving.port, newRun())
      await leaving.close()
      await commitOk(staying, moveUnit(run, finished(run)), 'close frees only what its own store opened')
    },
  },
  {
    name: 'a listener for lost connections can be added and taken away',
    test: async ({ openStore }) => {
      const store = await openStore()
      let calls = 0
      const listener = store.onConnectionLost(() => {
        calls++
      })
      checkEqual(typeof listener[Symbol.dispose], 'function', 'onConnectionLost answers a Disposable')
      await runAt(store, newRun())
      checkEqual(calls, 0, 'onConnectionLost calls back when a connection was lost, not otherwise')
      listener[Symbol.dispose]()
    },
  },
  {
    name: 'a lost connection is told to every listener that is still there',
    needs: ['connectionLoss'],
    test: async ({ open, backend, eventually }) => {
      const instance = await open()
      const calls = { one: 0, two: 0, gone: 0 }
      instance.port.onConnectionLost(() => {
        calls.one++
      })
      instance.port.onConnectionLost(() => {
        calls.two++
      })
      instance.port
        .onConnectionLost(() => {
          calls.gone++
        })
        [Symbol.dispose]()
      await checkPresent(backend.loseConnection, 'a harness with connectionLoss has `loseConnection`')(instance)
      await eventually(() => calls.one > 0 && calls.two > 0, 'onConnectionLost calls back when a connection was lost')
      checkEqual(calls.gone, 0, 'a disposed listener is called no more')
      const run = newRun()
      await eventually(
        () =>
          instance.port.commit(createUnit(run)).then(
            ({ ok }) => ok,
            () => false,
          ),
        'a store connects again by itself',
      )
    },
  },
]
