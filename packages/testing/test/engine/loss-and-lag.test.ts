/** A stream that says that it has lost events, and one that lags behind. */
import { EventsLost, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, receiving, World } from './world.ts'

const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })

test('a loss that the stream reports is told once, ends no reader, and the run that it was for is found', async () => {
  await using world = new World()
  let loses = false
  const wf = await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .build({
        ...ports,
        eventStreamer: {
          ...ports.eventStreamer,
          newReceiver: async (options) => {
            const receiver = await ports.eventStreamer.newReceiver(options)
            if (!options.durable) return receiver
            return receiving(receiver, {
              receive: async (how) => {
                const got = await receiver.receive(how)
                if (!loses) return got
                loses = false
                for (const delivery of got) await delivery.ack()
                throw new EventsLost('what was too old is gone', { details: { topic: got[0]?.topic, slot: got[0]?.slot } })
              },
            })
          },
        },
      }),
  )
  const client = simple.client(world.ports('c'))
  loses = true
  const lost = await client.trigger('lost', { initialValue: { n: 1 } })
  await world.turns()
  expect(world.logged('error', 'has lost events').map(({ fields }) => [fields['workflow'], fields['process']])).toEqual([
    ['simple', 'runs'],
  ])
  const next = await client.trigger('next', { initialValue: { n: 1 } })
  await world.turns()
  expect(await wf.lookup(next)).toMatchObject({ status: 'b' })
  expect(await wf.lookup(lost)).toMatchObject({ status: 'a' })
  await world.pass(1_200_000)
  expect(await wf.lookup(lost)).toMatchObject({ status: 'b' })
})

test('a step that lags behind for longer than its lagAlert says so by its gauges, and no more once it has caught up', async () => {
  await using world = new World()
  const gauges: (readonly [name: string, value: number])[] = []
  const first = gate()
  let calls = 0
  const wf = await world.start((ports) =>
    simple
      .addStep(
        'a',
        async () => {
          calls += 1
          if (calls === 1) await first.promise
          return 'b'
        },
        { lagAlert: '30s', deadline: false },
      )
      .build({
        ...ports,
        instrumentation: {
          count: () => undefined,
          observe: () => undefined,
          gauge: (name, value, labels) => {
            if (labels['process_name'] === 'step a') gauges.push([name, value])
          },
        },
      }),
  )
  await wf.trigger('x', { initialValue: { n: 1 } })
  await wf.trigger('late', { initialValue: { n: 1 } })
  await world.pass(60_000)
  first.resolve()
  await world.until(() => calls === 2)
  const alerts = (): readonly number[] => gauges.filter(([name]) => name === 'workflow_process_lag_alert').map(([, value]) => value)
  expect(alerts().at(-1)).toBe(1)
  expect(gauges.filter(([name]) => name === 'workflow_process_lag_seconds').at(-1)?.[1]).toBeGreaterThanOrEqual(60)
  await world.pass(60_000)
  await wf.trigger('y', { initialValue: { n: 1 } })
  await world.until(() => calls === 3)
  expect(alerts().at(-1)).toBe(0)
})
