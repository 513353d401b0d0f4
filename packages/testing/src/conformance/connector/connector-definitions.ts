/** The stream of somebody else: ordered per key, at least once, for one holder at a time. */
import type { Connector, EventReceiver, ForeignEvent } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkRejects, checkRejectsWith, checkThat } from '../check.ts'
import { aliveNow } from '../opened.ts'
import { fenceOf } from '../fences.ts'
import { ackAll, drainCount, nextBatch, takeCount, whatComes } from '../receiving.ts'
import type { ConnectorCase } from './connector-scope.ts'

function connect(
  connector: Connector,
  token = 1,
  name = 'payments',
  from: 'earliest' | 'latest' | Date = 'earliest',
): Promise<EventReceiver<ForeignEvent>> {
  return connector.connect({ name, from, fence: { ...fenceOf(0, token), role: `connector/${name}` } })
}

function valuesOf(deliveries: readonly { readonly event: ForeignEvent }[]): readonly unknown[] {
  return deliveries.map(({ event }) => event.value)
}

function numbered(count: number, key = 'key', from = 1): readonly { readonly key: string; readonly value: unknown }[] {
  return Array.from({ length: count }, (_, n) => ({ key, value: from + n }))
}

/** Cases about a Connector. */
export const connectorDefinitions: readonly ConnectorCase[] = [
  {
    name: 'values come as they were published, with key and time',
    test: async (scope) => {
      const values = [{ a: [1, 'é 👍', null, { b: true }] }, 'text', 0, '', [], {}]
      const before = Math.trunc(scope.backend.time.clock.now()) - 1_000
      await scope.backend.publish(values.map((value) => ({ key: 'ключ-1', value })))
      const deliveries = await drainCount(scope, await connect(await scope.openConnector()), values.length, 'every event comes')
      checkEqual(valuesOf(deliveries), values, 'values come as they were published')
      checkThat(
        deliveries.every(({ event }) => event.key === 'ключ-1'),
        'events name their key',
      )
      checkThat(
        deliveries.every(({ event }) => event.at.getTime() >= before && event.at.getTime() <= scope.backend.time.clock.now() + 1_000),
        'events say when they were published',
      )
      checkEqual(new Set(deliveries.map(({ event }) => event.id)).size, values.length, 'each event has an id of its own')
    },
  },
  {
    name: 'headers come as they were published',
    needs: ['headers'],
    test: async (scope) => {
      const headers = { traceparent: '00-x-y-01', empty: '', odd: 'é "' }
      await scope.backend.publish([
        { key: 'a', value: 1, headers },
        { key: 'a', value: 2 },
      ])
      const deliveries = await drainCount(scope, await connect(await scope.openConnector()), 2, 'every event comes')
      checkEqual(
        deliveries.map(({ event }) => event.headers),
        [headers, {}],
        'headers come as they were published',
      )
    },
  },
  {
    name: 'events of one key come in order',
    test: async (scope) => {
      const keys = ['a', 'b', 'c']
      for (let n = 1; n <= 10; n++) await scope.backend.publish(keys.map((key) => ({ key, value: n })))
      const deliveries = await drainCount(scope, await connect(await scope.openConnector()), 30, 'every event comes', { max: 4 })
      for (const key of keys)
        checkEqual(
          valuesOf(deliveries.filter(({ event }) => event.key === key)),
          [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
          'events of one key come in order, each once',
        )
    },
  },
  {
    name: 'an event has the same id whenever it is delivered',
    test: async (scope) => {
      await scope.backend.publish(numbered(5))
      const connector = await scope.openConnector()
      const idsOf = (deliveries: readonly { readonly event: ForeignEvent }[]): readonly unknown[] =>
        deliveries.map(({ event }) => [event.value, event.id])
      const first = await connect(connector)
      const ids = idsOf(await takeCount(scope, first, 5, 'every event comes'))
      await first[Symbol.asyncDispose]()
      checkEqual(
        idsOf(await takeCount(scope, await connect(connector), 5, 'what was not acknowledged comes again')),
        ids,
        'an event has the same id whenever it is delivered',
      )
      checkEqual(
        idsOf(await takeCount(scope, await connect(connector, 1, 'audit'), 5, 'each name has every event')),
        ids,
        'an event has the same id for every reader',
      )
    },
  },
  {
    name: 'a cursor goes on where its acks ended',
    test: async (scope) => {
      await scope.backend.publish(numbered(6))
      const connector = await scope.openConnector()
      const first = await connect(connector)
      const deliveries = await takeCount(scope, first, 6, 'every event comes')
      await ackAll(
        scope,
        [4, 1, 0, 2].flatMap((n) => deliveries.slice(n, n + 1)),
      )
      await first[Symbol.asyncDispose]()
      const second = await connect(connector, 1, 'payments', 'latest')
      const again = [...(await takeCount(scope, second, 2, 'what was not acknowledged comes again'))]
      again.push(...(await whatComes(scope, second)))
      checkEqual(
        valuesOf(again).filter((value) => value !== 5),
        [4, 6],
        'what was not acknowledged comes again, in order, and nothing from before the first gap',
      )
      await ackAll(scope, again.toReversed())
      await second[Symbol.asyncDispose]()
      const third = await connect(connector)
      checkEqual(
        valuesOf(await whatComes(scope, third)),
        [],
        'what was acknowledged does not come again, and a known cursor does not begin anew',
      )
      await third[Symbol.asyncDispose]()
    },
  },
  {
    name: 'nothing comes twice while its receiver lives, and names do not share a cursor',
    test: async (scope) => {
      await scope.backend.publish(numbered(3))
      const connector = await scope.openConnector()
      const [payments, audit] = [await connect(connector), await connect(connector, 1, 'audit')]
      checkEqual(valuesOf(await takeCount(scope, payments, 3, 'every event comes')), [1, 2, 3], 'each name has every event')
      checkEqual(valuesOf(await whatComes(scope, payments)), [], 'nothing comes twice while its receiver lives')
      checkEqual(valuesOf(await drainCount(scope, audit, 3, 'each name has every event')), [1, 2, 3], 'each name has a cursor of its own')
    },
  },
  {
    name: 'a new cursor begins at latest with what comes after it',
    test: async (scope) => {
      await scope.backend.publish(numbered(3))
      const receiver = await connect(await scope.openConnector(), 1, 'late', 'latest')
      await scope.backend.publish(numbered(2, 'key', 4))
      checkEqual(
        valuesOf(await drainCount(scope, receiver, 2, 'latest sees what is published after it')),
        [4, 5],
        'latest sees what is published after it, and nothing from before',
      )
    },
  },
  {
    name: 'a new cursor begins at a date with what was published since',
    needs: ['fromDate'],
    test: async (scope) => {
      await scope.backend.publish(numbered(3))
      await scope.pass(50)
      const from = new Date(Math.trunc(scope.backend.time.clock.now()))
      await scope.pass(50)
      await scope.backend.publish(numbered(2, 'key', 4))
      checkEqual(
        valuesOf(
          await drainCount(scope, await connect(await scope.openConnector(), 1, 'dated', from), 2, 'a date sees what was published since'),
        ),
        [4, 5],
        'a date sees what was published since, and nothing from before',
      )
    },
  },
  {
    name: 'a newer holder takes over and the older one is fenced',
    test: async (scope) => {
      await scope.backend.publish(numbered(3))
      const connector = await scope.openConnector()
      const old = await connect(connector, 5)
      const stale = await takeCount(scope, old, 3, 'every event comes')
      const young = await connect(connector, 6)
      await checkRejects(
        scope.within(checkPresent(stale[2], 'a delivery').ack(), 'ack answers'),
        'Fenced',
        "a zombie's ack rejects with Fenced",
      )
      await checkRejects(nextBatch(scope, old, 'an older holder is told'), 'Fenced', "an older holder's receiver gets Fenced")
      await checkRejects(() => connect(connector, 5), 'Fenced', 'connecting against a newer holder throws Fenced')
      checkEqual(
        valuesOf(await drainCount(scope, young, 3, 'the newer holder gets what was not acknowledged')),
        [1, 2, 3],
        'the newer holder gets what was not acknowledged',
      )
    },
  },
  {
    name: 'a receiver waits, wakes up, and can be aborted',
    test: async (scope) => {
      const receiver = await connect(await scope.openConnector())
      const stop = new AbortController()
      const reason = new Error('enough')
      const aborted = receiver.receive({ max: 1, signal: stop.signal })
      stop.abort(reason)
      await scope.within(checkRejectsWith(aborted, reason, 'an aborted receive throws the reason'), 'an aborted receive ends')
      const waiting = nextBatch(scope, receiver, 'receive wakes up when something is published')
      await scope.quiet()
      await scope.backend.publish(numbered(1))
      checkEqual(valuesOf(await waiting), [1], 'receive wakes up when something is published')
    },
  },
  {
    name: 'a disposed receiver throws Stopped and leaves nothing alive',
    test: async (scope) => {
      const before = aliveNow(scope.backend)
      const instance = await scope.open()
      const receiver = await connect(instance.port)
      const waiting = nextBatch(scope, receiver, 'a disposed receiver ends its wait')
      waiting.catch(() => undefined)
      await scope.pass(0)
      await scope.within(Promise.resolve(receiver[Symbol.asyncDispose]()), 'disposing comes to an end')
      await checkRejects(waiting, 'Stopped', 'a receiver that waits throws Stopped when it is disposed')
      await checkRejects(nextBatch(scope, receiver, 'receive answers'), 'Stopped', 'a disposed receiver throws Stopped')
      await instance.close()
      await scope.eventually(() => aliveNow(scope.backend).length <= before.length, 'a disposed receiver leaves nothing running')
    },
  },
]
