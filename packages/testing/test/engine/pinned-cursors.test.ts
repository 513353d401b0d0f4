/** One handler that takes its time, and runs whose events were lost after it began. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { gate, receiving, World } from './world.ts'

test.each([
  ['of this instance', 0],
  ['of another instance', 10_000],
])('a run whose event was lost is found again although a handler %s is at work for hours', async (_, lagElsewhere) => {
  await using world = new World()
  const graph = { slow: { step: ['b'] }, a: { step: ['b'] }, b: {} } as const
  const two = workflow('two', { object: unchecked<{ n: number }>(), graph })
  let lose = false
  const long = gate()
  const wf = await world.start((ports) =>
    two
      .addStep(
        'slow',
        async () => {
          await long.promise
          return 'b'
        },
        { deadline: '48h' },
      )
      .addStep('a', async () => 'b')
      .build({
        ...ports,
        eventStreamer: {
          ...ports.eventStreamer,
          // What others have in hand adds to the lag, and is as old as it is.
          receivers: async (workflowName) =>
            (await ports.eventStreamer.receivers(workflowName)).map((info) => ({ ...info, lag: info.lag + lagElsewhere })),
          newReceiver: async (options) => {
            const receiver = await ports.eventStreamer.newReceiver(options)
            return receiving(receiver, {
              receive: async (how) => {
                for (;;) {
                  const got = await receiver.receive(how)
                  if (!options.durable || !lose) return got
                  for (const delivery of got) await delivery.ack()
                }
              },
            })
          },
        },
      }),
  )
  const client = two.client(world.ports('c'))
  await client.trigger('slow', { initialValue: { n: 1 }, startAt: 'slow' })
  await world.pass(1_000)
  lose = true
  const lost = await client.trigger('lost', { initialValue: { n: 1 }, startAt: 'a' })
  await world.pass(1_000)
  lose = false
  await world.pass(6 * 3_600_000)
  expect(await wf.lookup(lost)).toMatchObject({ status: 'b' })
  long.resolve()
})
