/** Topics, and where a receiver begins. */
import { checkEqual, checkRejects, checkThat } from '../check.ts'
import { claimsOf } from '../fences.ts'
import { drainCount, whatComes } from '../receiving.ts'
import { slotsCount, workflowName } from '../runs.ts'
import { allSlots, ensure, openReceiver, stepReceiver, versionsOf, type EventStreamerCase } from './event-streamer-scope.ts'
import { topicDefault } from './publisher.ts'

const paid = 'orders/paid'

/** Cases about `ensure` and first positions. */
export const positionsDefinitions: readonly EventStreamerCase[] = [
  {
    name: 'a streamer names the store that it reads',
    test: async ({ open, feed }) => {
      const { port, store } = await open()
      if (feed === 'store')
        checkThat(port.source !== undefined && port.source === store, '`source` is the store whose commits the streamer delivers')
      else
        checkThat(
          port.source === undefined || port.source === store,
          '`source` is absent, or the store whose commits the streamer delivers',
        )
    },
  },
  {
    name: 'a layout may be ensured again, and by many at once',
    test: async (scope) => {
      const instances = scope.capabilities.multiInstance
        ? [await scope.open(), await scope.open(), await scope.open()]
        : [await scope.open()]
      await scope.within(
        Promise.all([...instances, ...instances].map(({ port }) => ensure(port, [stepReceiver]))),
        'ensure is safe when many start at once',
      )
      for (const instance of instances) await scope.publisher(instance).send(scope.publisher(instance).run())
      for (const { port } of instances) await ensure(port, [stepReceiver])
      for (const { port } of instances) {
        checkEqual(
          (await port.receivers(workflowName)).map(({ name, topics }) => [name, topics]),
          [[stepReceiver.name, stepReceiver.topics]],
          'ensure creates a receiver once',
        )
      }
      const receiver = await openReceiver((instances[0] ?? (await scope.open())).port)
      await drainCount(scope, receiver, instances.length, 'ensure leaves what exists as it is')
    },
  },
  {
    name: 'another number of slots is refused',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(3))
      for (const slots of [slotsCount - 1, slotsCount + 1, slotsCount * 2]) {
        await checkRejects(
          () => streamer.ensure({ workflowName, topics: [topicDefault], slots, receivers: [stepReceiver] }),
          'Configuration',
          `topics keep the number of slots that they were created with (${slots})`,
        )
      }
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(streamer), 1, 'a refused layout changes nothing')),
        [1],
        'a refused layout changes nothing',
      )
    },
  },
  {
    name: 'a topic that nobody ensured is refused',
    test: async (scope) => {
      const { streamer } = await scope.stream([stepReceiver])
      await checkRejects(
        () => openReceiver(streamer, { ...stepReceiver, name: 'other', topics: ['orders/unknown'] }),
        'Configuration',
        'a durable receiver of an unknown topic throws Configuration',
      )
      await checkRejects(
        () => streamer.newReceiver({ durable: false, workflowName, topics: ['orders/unknown'], from: 'latest' }),
        'Configuration',
        'an ephemeral receiver of an unknown topic throws Configuration',
      )
    },
  },
  {
    name: 'a receiver from earliest sees what was there before it',
    test: async (scope) => {
      const instance = await scope.open()
      const publisher = scope.publisher(instance)
      // A process that only triggers runs may commit before any worker has started, and so before there are topics.
      if (scope.feed === 'sender') await ensure(instance.port, [])
      await publisher.send(publisher.run(), { count: 3 })
      await ensure(instance.port, [stepReceiver])
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(instance.port), 3, 'earliest sees what was there before')),
        [1, 2, 3],
        'earliest begins with the oldest event there is',
      )
    },
  },
  {
    name: 'a receiver from latest begins where it was ensured, not where it was opened',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([])
      const run = publisher.run()
      await publisher.send(run, { count: 2 })
      const latest = { ...stepReceiver, from: 'latest' as const }
      await ensure(streamer, [latest])
      await publisher.send(run, { count: 2 })
      const receiver = await openReceiver(streamer, latest)
      await publisher.send(run)
      const deliveries = await drainCount(scope, receiver, 3, 'latest sees everything that was sent after ensure')
      checkEqual(versionsOf(deliveries), [3, 4, 5], 'latest is fixed by ensure: it sees what came after, and nothing from before')
    },
  },
  {
    name: 'a receiver from a date begins with what was sent since',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([])
      const run = publisher.run()
      await publisher.send(run, { count: 2 })
      await scope.pass(50)
      const from = new Date(Math.trunc(scope.backend.time.clock.now()))
      await scope.pass(50)
      await publisher.send(run, { count: 2 })
      const since = { ...stepReceiver, from }
      await ensure(streamer, [since])
      const deliveries = await drainCount(scope, await openReceiver(streamer, since), 2, 'a date sees what was sent since')
      checkEqual(versionsOf(deliveries), [3, 4], 'a receiver from a date sees what was sent since, and nothing from before')
    },
  },
  {
    name: 'a known receiver goes on where it was, wherever a new one would begin',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const run = publisher.run()
      await publisher.send(run, { count: 4 })
      const first = await openReceiver(streamer)
      await drainCount(scope, first, 2, 'earliest sees everything', { max: 2 })
      await first[Symbol.asyncDispose]()
      const changed = { ...stepReceiver, from: 'latest' as const }
      await ensure(streamer, [changed])
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(streamer, changed), 2, 'a known receiver goes on where its cursors are')),
        [3, 4],
        'a known receiver goes on where its cursors are',
      )
    },
  },
  {
    name: 'a topic that is new to a known receiver begins where the receiver says',
    test: async (scope) => {
      const topics = [topicDefault, paid]
      const early = { name: 'early', topics: [topicDefault], from: 'earliest' as const }
      const late = { name: 'late', topics: [topicDefault], from: 'latest' as const }
      const keeper = { name: 'keeper', topics, from: 'earliest' as const }
      const { streamer, publisher } = await scope.stream([early, late, keeper], topics)
      const run = publisher.run()
      await publisher.send(run, { topics })
      for (const spec of [early, late]) {
        const receiver = await openReceiver(streamer, spec)
        await drainCount(scope, receiver, 1, 'a receiver sees its topics')
        await receiver[Symbol.asyncDispose]()
      }
      await ensure(
        streamer,
        [
          { ...early, topics },
          { ...late, topics },
        ],
        topics,
      )
      await publisher.send(run, { topics: [paid] })
      const seen = async (spec: typeof early | typeof late, count: number): Promise<unknown> =>
        (await drainCount(scope, await openReceiver(streamer, { ...spec, topics }), count, 'a new topic of a known receiver is read')).map(
          ({ event, topic }) => [topic, event.version],
        )
      checkEqual(
        await seen(early, 2),
        [
          [paid, 1],
          [paid, 2],
        ],
        'a topic that is new to a known receiver begins where the receiver says (earliest)',
      )
      checkEqual(await seen(late, 1), [[paid, 2]], 'a topic that is new to a known receiver begins where the receiver says (latest)')
    },
  },
  {
    name: 'topics whose names look alike are apart',
    test: async (scope) => {
      const topics = ['orders/a b', 'orders/a_b', 'orders/A b', 'orders/a%20b', 'orders/a/b', 'orders/a.b', 'orders/$a', 'orders/é']
      const receivers = topics.map((topic, n) => ({ name: `${topic} ${n}`, topics: [topic], from: 'earliest' as const }))
      const { streamer, publisher } = await scope.stream(receivers, topics)
      const runs = topics.map(() => publisher.run())
      for (const [n, topic] of topics.entries()) await publisher.send(runs[n] ?? publisher.run(), { topics: [topic] })
      for (const [n, spec] of receivers.entries()) {
        const deliveries = [
          ...(await drainCount(scope, await openReceiver(streamer, spec), 1, `a topic has its own events (${topics[n]})`)),
        ]
        checkEqual(
          deliveries.map(({ event, topic }) => [event.runId, topic]),
          [[runs[n]?.runId, topics[n]]],
          'topics whose names look alike are apart',
        )
      }
    },
  },
  {
    name: 'an ephemeral receiver sees every slot, from the moment that it is there',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const runs = allSlots.map((slot) => publisher.run(slot))
      for (const run of runs) await publisher.send(run)
      const receiver = await streamer.newReceiver({ durable: false, workflowName, topics: [topicDefault], from: 'latest' })
      for (const run of runs) await publisher.send(run)
      const deliveries = await drainCount(scope, receiver, runs.length, 'an ephemeral receiver sees what is sent after it is there')
      checkEqual(
        deliveries.toSorted((a, b) => a.slot - b.slot).map(({ event, slot }) => [event.version, slot]),
        runs.map(({ slot }) => [2, slot]),
        'an ephemeral receiver sees every slot, and nothing from before',
      )
    },
  },
  {
    name: 'an ephemeral receiver from a date sees what was sent since',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const run = publisher.run()
      await publisher.send(run)
      await scope.pass(50)
      const from = new Date(Math.trunc(scope.backend.time.clock.now()))
      await scope.pass(50)
      await publisher.send(run, { count: 2 })
      const receiver = await streamer.newReceiver({ durable: false, workflowName, topics: [topicDefault], from })
      checkEqual(
        versionsOf(await drainCount(scope, receiver, 2, 'an ephemeral receiver from a date sees what was sent since')),
        [2, 3],
        'an ephemeral receiver from a date sees what was sent since',
      )
    },
  },
  {
    name: 'an ephemeral receiver leaves nothing behind',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const before = await streamer.receivers(workflowName)
      const ephemeral = { durable: false, workflowName, topics: [topicDefault], from: 'latest' } as const
      const receiver = await streamer.newReceiver(ephemeral)
      await publisher.send(publisher.run(), { count: 2 })
      const deliveries = await drainCount(scope, receiver, 2, 'an ephemeral receiver sees what is sent')
      for (const delivery of deliveries) await delivery.ack()
      checkEqual(
        (await streamer.receivers(workflowName)).map(({ name }) => name),
        before.map(({ name }) => name),
        'an ephemeral receiver is no durable one',
      )
      await receiver[Symbol.asyncDispose]()
      checkEqual(
        (await streamer.receivers(workflowName)).map(({ name }) => name),
        before.map(({ name }) => name),
        'an ephemeral receiver leaves nothing behind',
      )
      checkEqual(await whatComes(scope, await streamer.newReceiver(ephemeral)), [], 'an ephemeral receiver keeps no cursor')
      await checkRejects(
        receiver.receive({ max: 1, signal: new AbortController().signal }),
        'Stopped',
        'a disposed receiver throws Stopped',
      )
      checkEqual(
        versionsOf(
          await drainCount(
            scope,
            await openReceiver(streamer, stepReceiver, claimsOf(allSlots)),
            2,
            'an ephemeral receiver takes nothing from others',
          ),
        ),
        [1, 2],
        'an ephemeral receiver takes nothing from others',
      )
    },
  },
]
