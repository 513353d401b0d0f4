/** What a receiver is handed: everything, in order per run and topic, once while it lives. */
import { checkEqual, checkPresent, checkRejectsWith, checkThat } from '../check.ts'
import { ackAll, drainCount, nextBatch, takeCount, whatComes } from '../receiving.ts'
import type { EventStreamerInstance } from '../harness.ts'
import { changeOf, eventOf, newId, newRun, workflowName } from '../runs.ts'
import {
  allSlots,
  openReceiver,
  stepReceiver,
  versionsOf,
  type EventStreamerCase,
  type EventStreamerScope,
} from './event-streamer-scope.ts'
import { topicDefault } from './publisher.ts'

const eventsDefault = 2_000
const paid = 'orders/paid'
const both = [topicDefault, paid]

/** Cases about `receive`. */
export const deliveryDefinitions: readonly EventStreamerCase[] = [
  {
    name: 'events come as they were sent',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([{ ...stepReceiver, topics: both }], both)
      const sent = await publisher.send(publisher.run(2), { topics: both, count: 2 })
      const deliveries = await drainCount(
        scope,
        await openReceiver(streamer, { ...stepReceiver, topics: both }),
        4,
        'every event comes in each of its topics',
      )
      for (const topic of both) {
        checkEqual(
          deliveries.filter((delivery) => delivery.topic === topic).map(({ event, slot }) => [event, slot]),
          sent.map((event) => [event, 2]),
          'events come as they were sent, in each of their topics once',
        )
      }
    },
  },
  {
    name: 'the events of a run come in the order in which they were sent',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const runs = Array.from({ length: 20 }, (_, n) => publisher.run(n % allSlots.length))
      const receiver = await openReceiver(streamer)
      const sending = Promise.all(runs.map((run) => publisher.send(run, { count: 10 })))
      const byRun = new Map<string, number[]>()
      for (const { event } of await drainCount(scope, receiver, 200, 'every event comes', { max: 7 }))
        byRun.set(event.runId, [...(byRun.get(event.runId) ?? []), event.version])
      await sending
      checkEqual(
        byRun,
        new Map(runs.map(({ runId }) => [runId, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]])),
        'the events of a run come in order, without gaps',
      )
    },
  },
  {
    name: 'nothing is handed out twice while its receiver lives',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 5 })
      const receiver = await openReceiver(streamer)
      const deliveries = await takeCount(scope, receiver, 5, 'every event comes', { max: 2 })
      // Where time is virtual it costs nothing to wait for what redelivers after minutes.
      await scope.pass(scope.backend.time.jump === undefined ? 0 : 900_000)
      checkEqual(versionsOf(await whatComes(scope, receiver)), [], 'a delivery is not handed out again while its receiver lives')
      await ackAll(scope, deliveries)
      await publisher.send(publisher.run())
      checkEqual(versionsOf(await drainCount(scope, receiver, 1, 'the stream goes on')), [1], 'a receiver goes on after its acks')
    },
  },
  {
    name: 'a receiver that waits wakes up when an event is sent',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const receiver = await openReceiver(streamer)
      for (let round = 1; round <= 3; round++) {
        const waiting = nextBatch(scope, receiver, 'receive waits for at least one event, and wakes up for it')
        await scope.quiet()
        const run = publisher.run(round)
        await publisher.send(run)
        const batch = await waiting
        checkEqual(
          batch.map(({ event }) => event.runId),
          [run.runId],
          'receive waits for at least one event, and wakes up for it',
        )
        await ackAll(scope, batch)
      }
    },
  },
  {
    name: 'a wait that is aborted throws the reason and loses nothing',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const receiver = await openReceiver(streamer)
      const reason = new Error('enough')
      const run = publisher.run()
      for (let round = 0; round < 10; round++) {
        const stop = new AbortController()
        const waiting = receiver.receive({ max: 10, signal: stop.signal })
        if (round % 2 === 0) await scope.pass(0)
        stop.abort(reason)
        await scope.within(
          checkRejectsWith(waiting, reason, 'an aborted receive throws the reason of its signal'),
          'an aborted receive ends',
        )
      }
      await scope.within(
        checkRejectsWith(
          receiver.receive({ max: 10, signal: AbortSignal.abort(reason) }),
          reason,
          'a receive with an aborted signal throws its reason',
        ),
        'an aborted receive ends',
      )
      await publisher.send(run, { count: 3 })
      checkEqual(
        versionsOf(await drainCount(scope, receiver, 3, 'a receiver goes on after an abort')),
        [1, 2, 3],
        'an aborted receive loses nothing',
      )
    },
  },
  {
    name: 'an event that comes while a wait is being aborted is not lost',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const receiver = await openReceiver(streamer)
      const run = publisher.run()
      const seen: number[] = []
      for (let round = 0; round < 20; round++) {
        const stop = new AbortController()
        const waiting = receiver.receive({ max: 1, signal: stop.signal }).then(versionsOf, () => [])
        const sending = publisher.send(run)
        for (let turn = 0; turn < round % 5; turn++) await Promise.resolve()
        stop.abort()
        seen.push(...(await scope.within(waiting, 'an aborted receive ends')))
        await sending
      }
      while (seen.length < 20)
        seen.push(
          ...versionsOf(
            await nextBatch(scope, receiver, `an event is handed out or stays, whatever happens to the wait (${seen.length} of 20 came)`),
          ),
        )
      checkEqual(
        seen,
        Array.from({ length: 20 }, (_, n) => n + 1),
        'an event is handed out or stays, whatever happens to the wait',
      )
    },
  },
  {
    name: 'the same version may be sent again and comes again',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const run = publisher.run()
      await publisher.send(run, { count: 2 })
      await publisher.resend(run)
      await publisher.resend(run)
      const deliveries = await drainCount(scope, await openReceiver(streamer), 4, 'an event that is sent again comes again')
      checkEqual(
        deliveries.map(({ event }) => [event.kind, event.version]),
        [
          ['transition', 1],
          ['transition', 2],
          ['reemit', 2],
          ['reemit', 2],
        ],
        'an event that is sent again comes again, in order',
      )
    },
  },
  {
    name: 'a saturated topic holds no other one up, and comes whole when it is wanted again',
    test: async (scope) => {
      const spec = { ...stepReceiver, topics: both }
      const { streamer, publisher } = await scope.stream([spec], both)
      const many = scope.sizes.events ?? eventsDefault
      const [slow, fast] = [publisher.run(1), publisher.run(1)]
      for (let sent = 0; sent < many; sent += many / 10) {
        await publisher.send(slow, { topics: [paid], count: many / 10 })
        await publisher.send(fast, { topics: [topicDefault] })
      }
      const receiver = await openReceiver(streamer, spec)
      const quick = await drainCount(scope, receiver, 10, 'topics that are not saturated go on', { except: new Set([paid]), max: 3 })
      checkEqual(
        quick.map(({ event, topic }) => [topic, event.version]),
        Array.from({ length: 10 }, (_, n) => [topicDefault, n + 1]),
        'events of the topics in `except` stay where they are',
      )
      const waiting = nextBatch(scope, receiver, 'topics that are not saturated wake the receiver up', { except: new Set([paid]) })
      await publisher.send(slow, { topics: [paid] })
      await publisher.send(fast, { topics: [topicDefault] })
      const woken = await waiting
      checkEqual(
        woken.map(({ event, topic }) => [topic, event.version]),
        [[topicDefault, 11]],
        'a saturated topic wakes nobody up',
      )
      await ackAll(scope, woken)
      const rest = await drainCount(scope, receiver, many + 1, 'a topic that is wanted again comes whole', { max: 1_000 })
      checkEqual(
        versionsOf(rest),
        Array.from({ length: many + 1 }, (_, n) => n + 1),
        'a topic that is wanted again comes whole and in order',
      )
    },
  },
  {
    name: 'each receiver has every event, at its own pace',
    test: async (scope) => {
      const specs = ['steps', 'hooks', 'audit'].map((name) => ({ ...stepReceiver, name }))
      const { streamer, publisher } = await scope.stream(specs)
      await publisher.send(publisher.run(), { count: 6 })
      for (const [n, spec] of specs.entries()) {
        const receiver = await openReceiver(streamer, spec)
        checkEqual(
          versionsOf(await drainCount(scope, receiver, 6, `each receiver has every event (${spec.name})`, { max: n + 1 })),
          [1, 2, 3, 4, 5, 6],
          'each receiver has every event, whatever others have acknowledged',
        )
      }
    },
  },
  {
    name: 'many receivers wait at once, each for its own',
    test: async (scope) => {
      const topics = Array.from({ length: 5 }, (_, n) => `orders/status-${n}`)
      const specs = topics.map((topic) => ({ name: topic, topics: [topic], from: 'earliest' as const }))
      const { streamer, publisher } = await scope.stream(specs, topics)
      const receivers = await Promise.all(specs.map((spec) => openReceiver(streamer, spec)))
      const ephemeral = await streamer.newReceiver({ durable: false, workflowName, topics, from: 'latest' })
      const waiting = [...receivers, ephemeral].map((receiver, n) => nextBatch(scope, receiver, `each receiver waits for its own (${n})`))
      await scope.quiet()
      for (const [n, topic] of topics.entries())
        for (let count = 0; count <= n; count++) await publisher.send(publisher.run(count % allSlots.length), { topics: [topic] })
      const batches = await Promise.all(waiting)
      for (const [n, topic] of topics.entries())
        checkThat(batches[n]?.every((delivery) => delivery.topic === topic) === true, 'a receiver sees its own topics only')
      checkThat((batches[5]?.length ?? 0) > 0, 'an ephemeral receiver wakes up like any other')
    },
  },
  {
    name: 'an event that is committed late comes all the same, and one that is rolled back holds nothing up',
    needs: ['lateCommits', 'multiInstance'],
    feeds: ['store'],
    test: async (scope) => {
      const { instance, streamer, publisher } = await scope.stream([stepReceiver])
      const receiver = await openReceiver(streamer)
      const [late, never] = [await openTransaction(scope, instance), await openTransaction(scope, await scope.open())]
      await scope.pass(10)
      const run = publisher.run(0)
      await publisher.send(run, { count: 3 })
      const prompt = await drainCount(scope, receiver, 3, 'an open transaction holds no event of others up')
      checkEqual(versionsOf(prompt), [1, 2, 3], 'an open transaction holds no event of others up')
      await never.rollBack()
      await late.commit()
      const [delivery] = await takeCount(scope, receiver, 1, 'an event that is committed after later ones is not passed over')
      checkEqual(delivery?.event.runId, late.runId, 'an event that is committed after later ones is not passed over')
      await receiver[Symbol.asyncDispose]()
      await publisher.send(run)
      const again = await drainCount(
        scope,
        await openReceiver(streamer),
        2,
        'cursors do not pass an event that came late and was not acknowledged',
      )
      checkEqual(
        new Set(again.map(({ event }) => `${event.runId} ${event.version}`)),
        new Set([`${late.runId} 1`, `${run.runId} 4`]),
        'cursors do not pass an event that came late and was not acknowledged, and what was does not come again',
      )
    },
  },
]

interface OpenTransaction {
  /** The run that it creates. */
  readonly runId: string
  readonly commit: () => Promise<void>
  readonly rollBack: () => Promise<void>
}

/** A transaction that has created a run in slot 0 and is still open. */
async function openTransaction(scope: EventStreamerScope, { store }: EventStreamerInstance): Promise<OpenTransaction> {
  const record = newRun()
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  const { promise: written, resolve: wrote } = Promise.withResolvers<void>()
  const id = newId('unit')
  const at = new Date(Math.trunc(scope.backend.time.clock.now()))
  const event = eventOf(record, undefined, { slot: 0, at })
  const transaction = checkPresent(store?.transaction, 'a harness with lateCommits has a store with `transaction`')(
    async (_tx, commit) => {
      const answer = await commit({ id, changes: [changeOf(id, record, undefined, { event })] })
      checkThat(answer.ok, 'a unit commits inside a transaction')
      wrote()
      await ended
    },
    { signal: new AbortController().signal },
  )
  const settled = transaction.catch(() => undefined)
  await scope.within(Promise.race([written, transaction]), 'a transaction runs its work')
  return {
    runId: record.runId,
    commit: async () => {
      resolve()
      await scope.within(transaction, 'a transaction comes to an end')
    },
    rollBack: async () => {
      reject(new Error('the case rolls back'))
      await scope.within(settled, 'a transaction comes to an end')
    },
  }
}
