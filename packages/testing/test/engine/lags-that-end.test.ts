/** A gauge of lag is of now: it does not keep a value that no later event would correct. Hooks and connectors have them too. */
import { unchecked, workflow } from '@workflow/core'
import { memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { expect, test } from 'vitest'
import { memoryConnector } from '../../src/memory-connector.ts'
import { Meter } from './tracer.ts'
import { gate, handingOut, sending, World } from './world.ts'

const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })

/** What a gauge of a process was set to, in order. */
function told(meter: Meter, name: string, process: string): readonly number[] {
  return meter
    .of(name)
    .filter(({ labels }) => labels['process_name'] === process)
    .map(({ value }) => value)
}

test('a process that was late lags as long as it has something in hand, and no longer, though no event comes', async () => {
  await using world = new World()
  const meter = new Meter()
  const held = gate()
  const client = simple.client(world.ports('c'))
  await client.trigger('late', { initialValue: { n: 1 } })
  await world.pass(120_000)
  await world.start((ports) =>
    simple
      .addStep('a', async () => (await held.promise, 'b'), { lagAlert: '30s', deadline: false })
      .build({ ...ports, instrumentation: meter }),
  )
  await world.until(() => told(meter, 'workflow_process_lag_alert', 'step a').length > 0)
  await world.pass(20_000)
  expect(told(meter, 'workflow_process_lag_seconds', 'step a').at(-1)).toBeGreaterThanOrEqual(120)
  held.resolve()
  await world.pass(2_000)
  expect(told(meter, 'workflow_process_lag_seconds', 'step a').at(-1)).toBe(0)
  expect(told(meter, 'workflow_process_lag_alert', 'step a')).toEqual([1, 0])
  expect(world.logged('info', 'has caught up').map(({ fields }) => fields['process'])).toEqual(['step a'])
})

test('a stop leaves nothing behind that looks for the end of a lag', async () => {
  await using world = new World()
  const meter = new Meter()
  await simple.client(world.ports('c')).trigger('late', { initialValue: { n: 1 } })
  await world.pass(120_000)
  const wf = await world.start((ports) => simple.addStep('a', async () => 'b').build({ ...ports, instrumentation: meter }))
  await world.until(() => told(meter, 'workflow_process_lag_seconds', 'step a').length > 0)
  await world.within(wf.stop())
  const before = meter.measured.length
  await world.pass(10_000)
  expect(meter.measured.length).toBe(before)
})

test('an outbox whose last batch was full lags no more once it has gone out', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const meter = new Meter()
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  await simple.client({ ...world.ports('c'), eventStreamer }).trigger('late', { initialValue: { n: 1 } })
  await world.pass(120_000)
  await world.start((ports) =>
    simple
      .addStep('a', () => new Promise(() => undefined))
      .build({ ...ports, eventStreamer, instrumentation: meter, outbox: { batch: 1 } }),
  )
  await world.until(() => told(meter, 'workflow_process_lag_alert', 'outbox').includes(1))
  await world.pass(10_000)
  expect(told(meter, 'workflow_process_lag_seconds', 'outbox').at(-1)).toBe(0)
  expect(told(meter, 'workflow_process_lag_alert', 'outbox').at(-1)).toBe(0)
})

test('an outbox lags for as long as its broker is away, and is told once it does', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const meter = new Meter()
  const streamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  let away = true
  const eventStreamer = sending(streamer, async (events, sender) => {
    if (away) throw new Error('broker is away')
    await sender.send(events)
  })
  await world.start((ports) =>
    simple.addStep('a', () => new Promise(() => undefined)).build({ ...ports, eventStreamer, instrumentation: meter }),
  )
  const client = simple.client({ ...world.ports('c'), eventStreamer: streamer })
  for (const id of ['1', '2', '3']) {
    await client.trigger(id, { initialValue: { n: 1 } })
    await world.pass(1_000)
  }
  await world.pass(600_000)
  expect(told(meter, 'workflow_process_lag_seconds', 'outbox').at(-1)).toBeGreaterThanOrEqual(600)
  expect(world.logged('warn', 'further behind than its lagAlert').length).toBe(1)
  away = false
  await world.pass(5_000)
  expect(told(meter, 'workflow_process_lag_seconds', 'outbox').at(-1)).toBe(0)
  expect(told(meter, 'workflow_process_lag_alert', 'outbox')).toEqual([0, 1, 0])
})

test('an outbox lags no more where a full batch is the last to be acknowledged', async () => {
  await using world = new World({ database: memoryDatabase({ committedEvents: 'outbox' }) })
  const meter = new Meter()
  const eventStreamer = memoryEventStreamer({ database: memoryDatabase(), clock: world.clock })
  const client = simple.client({ ...world.ports('c'), eventStreamer })
  for (const id of ['1', '2', '3']) await client.trigger(id, { initialValue: { n: 1 } })
  await world.pass(500)
  let batches = 0
  const change = handingOut((deliveries) => {
    const ms = ++batches === 1 ? 300 : 10
    const later = (): Promise<void> => new Promise((resolve) => world.clock.setTimer(ms, resolve))
    return deliveries.map((delivery) => ({ ...delivery, ack: () => later().then(() => delivery.ack()) }))
  })
  await world.start(
    (ports) =>
      simple
        .addStep('a', () => new Promise(() => undefined))
        .build({ ...ports, eventStreamer, instrumentation: meter, outbox: { batch: 2 } }),
    'a',
    { change },
  )
  await world.pass(10_000)
  expect(batches).toBe(2)
  expect(Math.max(...told(meter, 'workflow_process_lag_seconds', 'outbox'))).toBeGreaterThanOrEqual(0.5)
  expect(told(meter, 'workflow_process_lag_seconds', 'outbox').at(-1)).toBe(0)
})

test('hooks and connectors tell how late their events are, once each, and how long every attempt takes', async () => {
  await using world = new World()
  const meter = new Meter()
  const mails = memoryConnector({ clock: world.clock })
  const held = gate()
  let calls = 0
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .onComplete(async () => {
        calls += 1
        if (calls === 1) await held.promise
        if (calls === 2) throw new Error('once more')
      })
      .addConnector('mails', unchecked<{ to: string }>(), async ({ data }, api) => {
        await api.trigger(data.to, { initialValue: { n: 1 } })
      })
      .build({ ...ports, instrumentation: meter, connectors: { mails }, defaults: { errBackOff: '1s' } }),
  )
  await world.until(() => wf.states().some(({ name, state }) => name === 'connector mails' && state === 'running'))
  await mails.publish([{ key: 'k', value: { to: 'first' } }])
  await world.until(() => calls === 1)
  await mails.publish([{ key: 'k', value: { to: 'second' } }])
  await world.pass(10_000)
  held.resolve()
  await world.until(() => calls === 3)
  await world.turns()
  const attempts = (process: string): number =>
    meter.of('workflow_process_latency_seconds').filter(({ labels }) => labels['process_name'] === process).length
  expect([attempts('connector mails'), attempts('hook complete')]).toEqual([2, 3])
  expect(told(meter, 'workflow_process_lag_seconds', 'connector mails')).toEqual([0, 0])
  // The second waited for the first one's place; its retry is no later event.
  const [first, second, ...later] = told(meter, 'workflow_process_lag_seconds', 'hook complete')
  expect(first).toBe(0)
  expect(second).toBeGreaterThanOrEqual(9)
  await world.pass(5_000)
  expect([...new Set(later)]).toEqual([0])
  expect(told(meter, 'workflow_process_lag_seconds', 'hook complete').at(-1)).toBe(0)
  await world.within(wf.stop())
  await mails.close()
})
