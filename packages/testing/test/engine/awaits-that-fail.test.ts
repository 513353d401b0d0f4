/** Rejections that nobody waits for must not end the process. */
import { unchecked, workflow } from '@workflow/core'
import { expect, test } from 'vitest'
import { World } from './world.ts'

const simple = workflow('simple', { object: unchecked<{ n: number }>(), graph: { a: { callback: ['b'] }, b: {} } })

/** What was rejected without anybody listening, while `work` ran. */
async function unhandled(work: () => Promise<void>): Promise<readonly unknown[]> {
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const seen: unknown[] = []
  const listen = (reason: unknown): void => void seen.push(reason)
  process.on('unhandledRejection', listen)
  try {
    await work()
  } finally {
    process.off('unhandledRejection', listen)
    for (const listener of before) process.on('unhandledRejection', listener)
  }
  return seen
}

test('a receiver of awaits that cannot be closed ends neither the process nor the stop', async () => {
  await using world = new World()
  const ports = world.ports('a')
  const wf = simple
    .addCallback('a', async () => 'b')
    .build({
      ...ports,
      eventStreamer: {
        ...ports.eventStreamer,
        newReceiver: async (options) => {
          const receiver = await ports.eventStreamer.newReceiver(options)
          if (options.durable) return receiver
          return {
            assign: (claims) => receiver.assign(claims),
            receive: (how) => receiver.receive(how),
            [Symbol.asyncDispose]: () => Promise.reject(new Error('the stream is away')),
          }
        },
      },
    })
  await wf.run()
  const runId = await wf.trigger('x', { initialValue: { n: 1 } })
  let outcome = 'pending'
  const seen = await unhandled(async () => {
    const waiting = wf.await(runId, 'b')
    await wf.callback({ runId }, 'a')
    await world.within(waiting)
    await world.pass(10_000)
    // Once more, so that the stop has one to close.
    wf.await(runId, 'a').catch(() => undefined)
    await world.turns()
    await world.within(
      wf.stop({ timeout: '1s' }).then(
        () => {
          outcome = 'stopped'
        },
        (error: unknown) => {
          outcome = String(error)
        },
      ),
    )
  })
  expect(seen).toEqual([])
  expect(outcome).toBe('stopped')
})
