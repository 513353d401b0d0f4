/** Loops that must rest. */
import { Fenced, unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

test('a connector whose stream says that a newer holder has it does not spin', async () => {
  await using world = new World()
  const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { step: ['b'] }, b: {} } })
  let connects = 0
  await world.start((ports) =>
    simple
      .addStep('a', async () => 'b')
      .addConnector('in', unchecked<string>(), async () => undefined)
      .build({
        ...ports,
        connectors: {
          in: {
            connect: async () => {
              connects += 1
              return {
                assign: async () => undefined,
                [Symbol.asyncDispose]: async () => undefined,
                receive: async () => {
                  // A test that only spins would never end.
                  if (connects > 1_000) await new Promise(() => undefined)
                  throw new Fenced('a newer holder has it', { details: { slots: [0] } })
                },
              }
            },
          },
        },
      }),
  )
  await world.pass(10_000)
  expect(connects).toBeLessThan(100)
})
