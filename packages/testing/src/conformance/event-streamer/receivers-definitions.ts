/** Which receivers there are, how far behind they are, and how they end. */
import { checkEqual, checkPresent, checkRejects, checkThat } from '../check.ts'
import { claimsOf } from '../fences.ts'
import { aliveNow } from '../opened.ts'
import { drainCount, nextBatch, takeCount, whatComes } from '../receiving.ts'
import { slotsCount, workflowName } from '../runs.ts'
import { allSlots, ensure, openReceiver, stepReceiver, versionsOf, type EventStreamerCase } from './event-streamer-scope.ts'
import { topicDefault } from './publisher.ts'

/** Cases about receivers, senders and their end. */
export const receiversDefinitions: readonly EventStreamerCase[] = [
  {
    name: 'durable receivers are listed with their lag, running or not',
    test: async (scope) => {
      const hook = { name: 'hook', topics: [topicDefault], from: 'earliest' as const }
      const { streamer, publisher } = await scope.stream([stepReceiver, hook])
      await streamer.ensure({
        workflowName: 'refunds',
        topics: ['refunds/created'],
        slots: 2,
        receivers: [{ name: 'refunds', topics: ['refunds/created'], from: 'earliest' }],
      })
      const infoOf = async (name: string): Promise<{ readonly lag: number; readonly oldest?: Date }> =>
        checkPresent(
          (await streamer.receivers(workflowName)).find((info) => info.name === name),
          'receivers lists every durable receiver',
        )
      checkEqual(
        new Map((await streamer.receivers(workflowName)).map(({ name, topics }) => [name, topics])),
        new Map([
          ['hook', [topicDefault]],
          ['orders', [topicDefault]],
        ]),
        'receivers lists the durable receivers of one workflow',
      )
      checkEqual(
        await infoOf('hook'),
        { name: 'hook', topics: [topicDefault], lag: 0 },
        'a receiver that has seen everything has no lag and no oldest event',
      )
      const sentAfter = Math.trunc(scope.backend.time.clock.now())
      for (const slot of allSlots) await publisher.send(publisher.run(slot), { count: 5 })
      await scope.eventually(async () => (await infoOf('orders')).lag > 0, 'lag grows with what is sent and not acknowledged')
      const oldest = (await infoOf('orders')).oldest?.getTime() ?? 0
      checkThat(
        oldest >= sentAfter && oldest <= scope.backend.time.clock.now(),
        '`oldest` is when the oldest unacknowledged event was sent',
        `${new Date(oldest).toISOString()}`,
      )
      await drainCount(scope, await openReceiver(streamer), 20, 'every event comes')
      await scope.eventually(async () => (await infoOf('orders')).lag === 0, 'lag falls to zero when everything is acknowledged')
      checkEqual((await infoOf('orders')).oldest, undefined, 'without lag there is no oldest event')
      checkThat((await infoOf('hook')).lag > 0, 'each receiver has a lag of its own')
    },
  },
  {
    name: 'a removed receiver is forgotten, and begins anew',
    test: async (scope) => {
      const keeper = { ...stepReceiver, name: 'keeper' }
      const { streamer, publisher } = await scope.stream([stepReceiver, keeper])
      await publisher.send(publisher.run(), { count: 3 })
      const receiver = await openReceiver(streamer)
      await drainCount(scope, receiver, 3, 'every event comes')
      await receiver[Symbol.asyncDispose]()
      await streamer.removeReceiver(stepReceiver.name)
      await streamer.removeReceiver('nobody')
      checkEqual(
        (await streamer.receivers(workflowName)).map(({ name }) => name),
        ['keeper'],
        'a removed receiver is no longer listed',
      )
      await ensure(streamer, [stepReceiver])
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(streamer), 3, 'a removed receiver begins anew')),
        [1, 2, 3],
        'a removed receiver leaves no cursors',
      )
    },
  },
  {
    name: 'disposing a receiver ends its wait and gives back what it had',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 2 })
      const receiver = await openReceiver(streamer)
      await takeCount(scope, receiver, 2, 'every event comes')
      const waiting = nextBatch(scope, receiver, 'a disposed receiver ends its wait')
      waiting.catch(() => undefined)
      await scope.pass(0)
      await scope.within(
        Promise.all([receiver[Symbol.asyncDispose](), receiver[Symbol.asyncDispose]()]).then(() => undefined),
        'disposing is idempotent',
      )
      await checkRejects(waiting, 'Stopped', 'a receiver that waits throws Stopped when it is disposed')
      await checkRejects(nextBatch(scope, receiver, 'receive answers'), 'Stopped', 'a disposed receiver throws Stopped')
      checkEqual(
        versionsOf(await takeCount(scope, await openReceiver(streamer), 2, 'a disposed receiver gives back')),
        [1, 2],
        'a disposed receiver gives back what it had not acknowledged',
      )
    },
  },
  {
    name: 'closing a streamer ends everything that it started',
    test: async (scope) => {
      const { instance, streamer } = await scope.stream([stepReceiver])
      const durable = await openReceiver(streamer)
      const ephemeral = await streamer.newReceiver({ durable: false, workflowName, topics: [topicDefault], from: 'latest' })
      const waits = [durable, ephemeral].map((receiver) => nextBatch(scope, receiver, 'close ends every wait'))
      for (const wait of waits) wait.catch(() => undefined)
      await scope.pass(0)
      await scope.within(Promise.all([streamer.close(), streamer.close()]), 'close comes to an end, and is idempotent')
      for (const wait of waits) await checkRejects(wait, 'Stopped', 'receivers throw Stopped when their streamer closes')
      await instance.close()
      for (const [name, call] of Object.entries({
        ensure: () => ensure(streamer, [stepReceiver]),
        newReceiver: () => openReceiver(streamer),
        newSender: () => streamer.newSender(),
        receivers: () => streamer.receivers(workflowName),
        removeReceiver: () => streamer.removeReceiver('nobody'),
        receive: () => nextBatch(scope, durable, 'receive answers'),
      }))
        await checkRejects(call, 'Stopped', `every method throws Stopped after close (${name})`)
    },
  },
  {
    name: 'closing a streamer leaves nothing alive',
    test: async (scope) => {
      const before = aliveNow(scope.backend)
      const { instance, streamer, publisher } = await scope.stream([stepReceiver])
      const receiver = await openReceiver(streamer)
      await publisher.send(publisher.run(), { count: 3 })
      await drainCount(scope, receiver, 3, 'every event comes')
      await streamer.newReceiver({ durable: false, workflowName, topics: [topicDefault], from: 'latest' })
      nextBatch(scope, receiver, 'close ends every wait').catch(() => undefined)
      await scope.pass(1)
      await instance.close()
      await scope.eventually(
        () => aliveNow(scope.backend).length <= before.length,
        `close frees everything that the streamer started (before: ${before.join(', ') || 'nothing'})`,
      )
    },
  },
  {
    name: 'events that one instance sends come to another',
    needs: ['multiInstance'],
    test: async (scope) => {
      const { publisher } = await scope.stream([stepReceiver])
      const reader = (await scope.open()).port
      await ensure(reader, [stepReceiver])
      const receiver = await openReceiver(reader)
      const waiting = nextBatch(scope, receiver, 'a receiver that waits hears of events of another instance')
      await scope.quiet()
      const run = publisher.run(1)
      await publisher.send(run)
      checkEqual(
        (await waiting).map(({ event }) => event.runId),
        [run.runId],
        'a receiver that waits hears of events of another instance',
      )
      await publisher.send(run, { count: 50 })
      checkEqual(
        versionsOf(await drainCount(scope, receiver, 50, 'events of another instance come')),
        Array.from({ length: 50 }, (_, n) => n + 2),
        'events of another instance come in order',
      )
    },
  },
  {
    name: 'a slot moves from one instance to another, and the first is fenced',
    needs: ['multiInstance'],
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 4 })
      const old = await openReceiver(streamer, stepReceiver, claimsOf([0], 1))
      const stale = await takeCount(scope, old, 4, 'every event comes')
      await scope.within(checkPresent(stale[0], 'a delivery').ack(), 'ack resolves')
      const young = await openReceiver((await scope.open()).port, stepReceiver, claimsOf([0], 2))
      checkEqual(
        versionsOf(await drainCount(scope, young, 3, 'the newer holder gets what was not acknowledged')),
        [2, 3, 4],
        'the newer holder goes on where the acks of the older one ended',
      )
      await checkRejects(
        scope.within(checkPresent(stale[3], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        "a zombie's ack rejects with Fenced, across instances",
      )
      await checkRejects(nextBatch(scope, old, 'a fenced receiver is told'), 'Fenced', 'an older holder gets Fenced, across instances')
    },
  },
  {
    name: 'a sender sends in order, and nothing is nothing',
    feeds: ['sender'],
    test: async (scope) => {
      const { instance, streamer, publisher } = await scope.stream([stepReceiver])
      const sender = await streamer.newSender()
      await sender.send([])
      const events = await publisher.send(publisher.run(), { count: 3 })
      await sender.send(events)
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(streamer), 6, 'what is sent twice comes twice')),
        [1, 2, 3, 1, 2, 3],
        'a sender sends in order, each time that it is asked',
      )
      await sender[Symbol.asyncDispose]()
      await instance.close()
      await checkRejects(() => sender.send(events), 'Stopped', 'a sender throws Stopped after close')
    },
  },
  {
    name: 'lost events are told once per loss, and the receiver goes on',
    needs: ['eventLoss'],
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const run = publisher.run(2)
      await publisher.send(run, { count: 3 })
      await checkPresent(scope.backend.loseEvents, 'a harness with eventLoss has `loseEvents`')(topicDefault, 2)
      await publisher.send(run, { count: 2 })
      const receiver = await openReceiver(streamer)
      const lost = await checkRejects(
        nextBatch(scope, receiver, 'a loss is told'),
        'EventsLost',
        'receive throws EventsLost when events are gone that this receiver has not seen',
      )
      checkEqual([lost.details['topic'], lost.details['slot']], [topicDefault, 2], 'EventsLost names topic and slot')
      checkEqual(
        versionsOf(await drainCount(scope, receiver, 2, 'a receiver goes on after a loss')),
        [4, 5],
        'a loss is told once, and the receiver goes on with the oldest event there is',
      )
      checkEqual(versionsOf(await whatComes(scope, receiver)), [], 'a loss is told once')
    },
  },
  {
    name: 'a layout of many topics, slots and receivers costs nobody an event',
    test: async (scope) => {
      const topics = Array.from({ length: 20 }, (_, n) => `orders/status-${n}`)
      const { streamer, publisher } = await scope.stream([{ ...stepReceiver, topics }], topics)
      const receiver = await openReceiver(streamer, { ...stepReceiver, topics })
      const runs = Array.from({ length: slotsCount * 2 }, (_, n) => publisher.run(n % slotsCount))
      for (const topic of topics) await Promise.all(runs.map((run) => publisher.send(run, { topics: [topic] })))
      const deliveries = await drainCount(scope, receiver, topics.length * runs.length, 'every event comes, whatever its topic and slot')
      for (const { event, topic } of deliveries)
        checkEqual(topic, `orders/status-${event.version - 1}`, 'an event comes in the topic that it names')
      checkEqual(
        new Set(deliveries.map(({ event }) => `${event.runId} ${event.version}`)).size,
        deliveries.length,
        'every event comes once',
      )
    },
  },
]
