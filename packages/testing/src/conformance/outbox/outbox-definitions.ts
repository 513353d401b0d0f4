/** The committed events of a store, for a relay that sends them elsewhere. */
import type { EventReceiver, NextRecord, RecordStore, RunEvent } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkRejects, checkRejectsWith, checkThat } from '../check.ts'
import { claimsOf } from '../fences.ts'
import { ackAll, drainCount, nextBatch, takeCount, whatComes } from '../receiving.ts'
import { commitOk, runAt } from '../record-store/reading.ts'
import type { RecordStoreCase } from '../record-store/record-store-scope.ts'
import { changeOf, createUnit, eventOf, moved, moveUnit, newId, newRun, slotsCount, wakeOf, workflowName } from '../runs.ts'

const slots = Array.from({ length: slotsCount }, (_, slot) => slot)

function relay(store: RecordStore, token = 1, only: readonly number[] = slots, name = workflowName): Promise<EventReceiver<RunEvent>> {
  return store.outbox.newReceiver({ workflowName: name, claims: claimsOf(only, token) })
}

function versionsByRun(events: readonly { readonly event: RunEvent }[]): ReadonlyMap<string, readonly number[]> {
  const byRun = new Map<string, number[]>()
  for (const { event } of events) byRun.set(event.runId, [...(byRun.get(event.runId) ?? []), event.version])
  return byRun
}

async function move(store: RecordStore, record: NextRecord): Promise<NextRecord> {
  const next = moved(record)
  await commitOk(store, moveUnit(record, next))
  return next
}

/** Cases about an Outbox. */
export const outboxDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'the outbox hands out every committed event, in order per run',
    test: async (scope) => {
      const store = await scope.openStore()
      const runs = await Promise.all(Array.from({ length: 12 }, () => runAt(store, newRun(), 5)))
      const receiver = await relay(store)
      const deliveries = await drainCount(scope, receiver, 60, 'the outbox hands out every committed event', { max: 7 })
      checkEqual(
        versionsByRun(deliveries),
        new Map(runs.map(({ runId }) => [runId, [1, 2, 3, 4, 5]])),
        'events come in commit order per run, each once',
      )
      checkEqual([...new Set(deliveries.map(({ topic }) => topic))], [''], 'the topic of an outbox delivery is empty')
      checkThat(
        deliveries.every(({ slot, event }) => slot === event.slot),
        'a delivery names the slot of its event',
      )
      checkEqual(await whatComes(scope, receiver), [], 'nothing comes twice to a receiver that lives')
    },
  },
  {
    name: 'events that were acknowledged do not come again, the others do',
    test: async (scope) => {
      const store = await scope.openStore()
      const run = await runAt(store, newRun(), 6)
      const first = await relay(store)
      const deliveries = await takeCount(scope, first, 6, 'the outbox hands out every committed event')
      await ackAll(scope, deliveries.slice(0, 2))
      await ackAll(scope, deliveries.slice(3, 4))
      await first[Symbol.asyncDispose]()
      const second = await relay(store, 2)
      const again = (await takeCount(scope, second, 3, 'what was not acknowledged comes again')).map(({ event }) => event.version)
      again.push(...(await whatComes(scope, second)).map(({ event }) => event.version))
      checkThat(!again.includes(1) && !again.includes(2), 'what was acknowledged does not come again', JSON.stringify(again))
      checkEqual(
        again.filter((version) => version !== 4),
        [3, 5, 6],
        'what was not acknowledged comes again, in order',
      )
      checkEqual((await store.lookup(run.runId))?.version, 6, 'the outbox changes no run')
    },
  },
  {
    name: 'the outbox waits for the next commit',
    test: async (scope) => {
      const store = await scope.openStore()
      const receiver = await relay(store)
      const record = newRun()
      const [batch] = await Promise.all([
        nextBatch(scope, receiver, 'receive wakes up when an event is committed'),
        commitOk(store, createUnit(record)),
      ])
      checkEqual(
        batch.map(({ event }) => event),
        [eventOf(record)],
        'the event of a commit comes as it was written',
      )
    },
  },
  {
    name: 'changes and emitted events of one unit come in its order',
    test: async (scope) => {
      const store = await scope.openStore()
      const record = newRun()
      await commitOk(store, createUnit(record, { emit: [wakeOf(record), wakeOf(record, { kind: 'reemit' })] }))
      await commitOk(store, { id: newId('unit'), emit: [wakeOf(record)] })
      const deliveries = await drainCount(scope, await relay(store), 4, 'the outbox hands out what units emit')
      checkEqual(
        deliveries.map(({ event }) => event.kind),
        ['transition', 'wake', 'reemit', 'wake'],
        'events of a unit keep its order: changes first, then what it emits',
      )
    },
  },
  {
    name: 'a refused unit sends nothing',
    test: async (scope) => {
      const store = await scope.openStore()
      const run = await runAt(store, newRun())
      await store.commit({ ...moveUnit(moved(run), moved(moved(run))), emit: [wakeOf(run)] })
      await move(store, run)
      const deliveries = await drainCount(scope, await relay(store), 2, 'the outbox hands out every committed event')
      checkEqual(
        deliveries.map(({ event }) => [event.kind, event.version]),
        [
          ['transition', 1],
          ['transition', 2],
        ],
        'a refused unit sends no event',
      )
    },
  },
  {
    name: 'a relay sees its own workflow and its own slots only',
    test: async (scope) => {
      const store = await scope.openStore()
      const other = newRun({ workflowName: 'refunds' })
      await commitOk(store, createUnit(other))
      for (const slot of slots) {
        const run = newRun()
        const id = newId('unit')
        await commitOk(store, { id, changes: [changeOf(id, run, undefined, { event: eventOf(run, undefined, { slot }) })] })
      }
      const [even, odd] = [await relay(store, 1, [0, 2]), await relay(store, 1, [1, 3])]
      checkEqual(
        (await drainCount(scope, even, 2, 'the outbox hands out events of the claimed slots'))
          .map(({ slot }) => slot)
          .sort((a, b) => a - b),
        [0, 2],
        'a relay sees the slots that it claims',
      )
      checkEqual(
        (await drainCount(scope, odd, 2, 'the outbox hands out events of the claimed slots')).map(({ slot }) => slot).sort((a, b) => a - b),
        [1, 3],
        'a relay sees the slots that it claims',
      )
      checkEqual(await whatComes(scope, even), [], 'a relay sees no slot of others')
    },
  },
  {
    name: 'a newer relay takes over and the older one is fenced',
    test: async (scope) => {
      const store = await scope.openStore()
      await runAt(store, newRun(), 3)
      const old = await relay(store, 5)
      const stale = await takeCount(scope, old, 3, 'the outbox hands out every committed event')
      const young = await relay(store, 6)
      await checkRejects(
        scope.within(checkPresent(stale[0], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        'an ack of an older holder rejects with Fenced',
      )
      await checkRejects(nextBatch(scope, old, 'a fenced receiver is told'), 'Fenced', 'an older holder gets Fenced')
      checkEqual(
        (await drainCount(scope, young, 3, 'the newer holder gets what was not acknowledged')).map(({ event }) => event.version),
        [1, 2, 3],
        'the newer holder gets what was not acknowledged',
      )
      await checkRejects(() => relay(store, 5), 'Fenced', 'a claim against a newer holder throws Fenced')
    },
  },
  {
    name: 'an aborted wait of a relay loses nothing',
    test: async (scope) => {
      const store = await scope.openStore()
      const receiver = await relay(store)
      const stop = new AbortController()
      const reason = new Error('enough')
      const waiting = receiver.receive({ max: 10, signal: stop.signal })
      stop.abort(reason)
      await scope.within(checkRejectsWith(waiting, reason, 'an aborted receive throws the reason'), 'an aborted receive ends')
      await runAt(store, newRun(), 2)
      checkEqual(
        (await drainCount(scope, receiver, 2, 'a receiver goes on after an abort')).map(({ event }) => event.version),
        [1, 2],
        'an aborted receive loses nothing',
      )
    },
  },
  {
    name: 'a listener hears of commits of its own process until it is disposed',
    test: async ({ openStore, eventually }) => {
      const store = await openStore()
      if (store.outbox.onAppend === undefined) return
      let calls = 0
      const listener = store.outbox.onAppend(() => {
        calls++
      })
      const run = await runAt(store, newRun())
      await eventually(() => calls > 0, '`onAppend` calls back after a commit')
      listener[Symbol.dispose]()
      const before = calls
      await move(store, run)
      checkEqual(calls, before, 'a disposed listener is called no more')
    },
  },
  {
    name: 'events of another instance come, too',
    needs: ['multiInstance'],
    test: async (scope) => {
      const [writer, reader] = [await scope.openStore(), await scope.openStore()]
      const receiver = await relay(reader)
      const [batch] = await Promise.all([nextBatch(scope, receiver, 'receive sees what another instance commits'), runAt(writer, newRun())])
      checkEqual(
        batch.map(({ event }) => event.version),
        [1],
        'receive sees what another instance commits',
      )
    },
  },
  {
    name: 'closing the store ends its relays',
    test: async (scope) => {
      const instance = await scope.open()
      const receiver = await relay(instance.port)
      const waiting = receiver.receive({ max: 10, signal: new AbortController().signal })
      waiting.catch(() => undefined)
      await scope.within(instance.close(), 'close comes to an end')
      await checkRejects(scope.within(waiting, 'close ends a receive that waits'), 'Stopped', 'a receiver throws Stopped after close')
    },
  },
]
