/** What is acknowledged never comes again; everything else does, whoever dies. */
import { checkEqual, checkPresent, checkThat } from '../check.ts'
import { claimsOf } from '../fences.ts'
import { ackAll, drainCount, takeCount, whatComes } from '../receiving.ts'
import { allSlots, openReceiver, stepReceiver, versionsOf, type EventStreamerCase } from './event-streamer-scope.ts'
import { topicDefault } from './publisher.ts'

/** Cases about `ack`. */
export const acksDefinitions: readonly EventStreamerCase[] = [
  {
    name: 'what was not acknowledged comes again after its receiver, in order, and nothing else',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 6 })
      const first = await openReceiver(streamer)
      const deliveries = await takeCount(scope, first, 6, 'every event comes')
      await ackAll(scope, deliveries.slice(0, 3))
      await first[Symbol.asyncDispose]()
      const second = await openReceiver(streamer)
      checkEqual(
        versionsOf(await takeCount(scope, second, 3, 'what was not acknowledged comes again')),
        [4, 5, 6],
        'what was not acknowledged comes again, in order, and what was does not',
      )
      await second[Symbol.asyncDispose]()
      checkEqual(
        versionsOf(await drainCount(scope, await openReceiver(streamer), 3, 'what was not acknowledged comes again, as often as it must')),
        [4, 5, 6],
        'what was not acknowledged comes again, as often as it must',
      )
    },
  },
  {
    name: 'a gap in the acks survives receivers until it is filled',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 8 })
      const first = await openReceiver(streamer)
      const deliveries = await takeCount(scope, first, 8, 'every event comes')
      for (const n of [7, 1, 4, 0]) await scope.within(checkPresent(deliveries[n], 'a delivery').ack(), 'ack resolves in any order')
      await first[Symbol.asyncDispose]()
      const second = await openReceiver(streamer)
      const again = [...(await takeCount(scope, second, 4, 'events behind a gap come again'))]
      again.push(...(await whatComes(scope, second)))
      const versions = versionsOf(again)
      checkEqual(
        versions.filter((version) => [3, 4, 6, 7].includes(version)),
        [3, 4, 6, 7],
        'every event that was not acknowledged comes again, in order',
      )
      checkThat(!versions.includes(1) && !versions.includes(2), 'events before the first gap do not come again', JSON.stringify(versions))
      await ackAll(scope, again.toReversed())
      await second[Symbol.asyncDispose]()
      checkEqual(versionsOf(await whatComes(scope, await openReceiver(streamer))), [], 'a gap that was filled holds nothing back')
    },
  },
  {
    name: 'acks in any order leave nothing to come again',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      const runs = allSlots.map((slot) => publisher.run(slot))
      for (const run of runs) await publisher.send(run, { count: 10 })
      const first = await openReceiver(streamer)
      const deliveries = [...(await takeCount(scope, first, 40, 'every event comes'))]
      // A shuffle that is the same each time: a red case must stay red.
      const shuffled = deliveries
        .map((delivery, n) => ({ delivery, key: (n * 17) % 41 }))
        .sort((a, b) => a.key - b.key)
        .map(({ delivery }) => delivery)
      await ackAll(scope, shuffled)
      await first[Symbol.asyncDispose]()
      checkEqual(
        versionsOf(await whatComes(scope, await openReceiver(streamer))),
        [],
        'what was acknowledged, in whatever order, does not come again',
      )
    },
  },
  {
    name: 'acknowledging again does no harm',
    test: async (scope) => {
      const { streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 4 })
      const first = await openReceiver(streamer)
      const [one, two, three] = await takeCount(scope, first, 4, 'every event comes')
      for (const delivery of [two, two, one, one, two, three, three])
        await scope.within(checkPresent(delivery, 'a delivery').ack(), 'ack is idempotent')
      await first[Symbol.asyncDispose]()
      checkEqual(
        versionsOf(await takeCount(scope, await openReceiver(streamer), 1, 'what was not acknowledged comes again')),
        [4],
        'an ack counts for its own event only, however often it is said',
      )
    },
  },
  {
    name: 'acks of one receiver, topic or slot say nothing about another',
    test: async (scope) => {
      const topics = [topicDefault, 'orders/paid']
      const specs = ['one', 'two'].map((name) => ({ name, topics, from: 'earliest' as const }))
      const { streamer, publisher } = await scope.stream(specs, topics)
      for (const slot of allSlots) await publisher.send(publisher.run(slot), { topics })
      const [one, two] = specs.map((spec) => openReceiver(streamer, spec))
      const deliveries = await takeCount(scope, await checkPresent(one, 'a receiver'), 8, 'every event comes')
      await ackAll(
        scope,
        deliveries.filter(({ topic, slot }) => topic === topicDefault && slot % 2 === 0),
      )
      await (await checkPresent(one, 'a receiver'))[Symbol.asyncDispose]()
      const again = await takeCount(scope, await openReceiver(streamer, specs[0]), 6, 'what was not acknowledged comes again')
      checkEqual(
        again.map(({ topic, slot }) => `${topic} ${slot}`).sort(),
        ['orders/created 1', 'orders/created 3', 'orders/paid 0', 'orders/paid 1', 'orders/paid 2', 'orders/paid 3'],
        'cursors are per receiver, topic and slot',
      )
      checkEqual(
        (await drainCount(scope, await checkPresent(two, 'a receiver'), 8, 'cursors are per receiver')).length,
        8,
        'cursors are per receiver',
      )
    },
  },
  {
    name: 'what a dead instance had in hand comes to the next one',
    needs: ['kill', 'multiInstance'],
    test: async (scope) => {
      const { instance, streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 5 })
      const other = await scope.open()
      const deliveries = await takeCount(scope, await openReceiver(streamer), 5, 'every event comes')
      await ackAll(scope, deliveries.slice(0, 2))
      await checkPresent(instance.kill, 'a harness with kill has it on its instances')()
      const again = await drainCount(
        scope,
        await openReceiver(other.port, stepReceiver, claimsOf(allSlots, 2)),
        3,
        'what a dead instance had in hand comes to the next holder',
      )
      checkEqual(versionsOf(again), [3, 4, 5], 'an ack that resolved is durable, and what had none comes again')
    },
  },
  {
    name: 'cursors are there after closing and opening again',
    needs: ['persistent'],
    test: async (scope) => {
      const { instance, streamer, publisher } = await scope.stream([stepReceiver])
      await publisher.send(publisher.run(), { count: 6 })
      const deliveries = await takeCount(scope, await openReceiver(streamer), 6, 'every event comes')
      for (const n of [0, 1, 3]) await scope.within(checkPresent(deliveries[n], 'a delivery').ack(), 'ack resolves')
      await instance.close()
      const again = (await scope.open()).port
      const seen = [
        ...(await takeCount(
          scope,
          await openReceiver(again, stepReceiver, claimsOf(allSlots, 2)),
          3,
          'what was not acknowledged comes again',
        )),
      ]
      const versions = versionsOf(seen).filter((version) => version !== 4)
      checkThat(versions[0] === 3 && !versions.includes(1), 'cursors and events are durable', JSON.stringify(versions))
    },
  },
]
