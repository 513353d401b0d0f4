/** What is left when something has ended. */
import { systemClock, type Clock } from '@workflow/core/adapter'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Broker } from './broker.ts'
import { eventOf, layoutOf, topic } from './events.ts'
import { fresh, receiverOf, take } from './scene.ts'

/** The system's clock, which knows how many timers are set. */
function countingClock(): { readonly clock: Clock; readonly set: () => number } {
  const set = new Set<object>()
  const setTimer: Clock['setTimer'] = (ms, callback) => {
    const one = {}
    set.add(one)
    const timer = systemClock.setTimer(ms, () => {
      set.delete(one)
      callback()
    })
    const dispose = (): void => {
      set.delete(one)
      timer[Symbol.dispose]()
    }
    return { [Symbol.dispose]: dispose }
  }
  return { clock: { ...systemClock, setTimer }, set: () => set.size }
}

const ephemeral = { durable: false, workflowName: 'orders', topics: [topic], from: 'latest' } as const

describe.skipIf(Broker.url === undefined)('an end', { timeout: 60_000 }, () => {
  test('of an adapter leaves no timer behind, whatever it was doing', async () => {
    const { open } = fresh()
    const { clock, set } = countingClock()
    const { eventStreamer, close } = open({ clock })
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    const receiver = await receiverOf(eventStreamer)
    await eventStreamer.newReceiver(ephemeral)
    await sender.send([eventOf(1, 0), eventOf(2, 1)])
    const [first] = await take(receiver, 2)
    const sending = Promise.allSettled([first?.ack(), sender.send([eventOf(1, 0, { version: 2 })])])
    await close()
    expect(set()).toBe(0)
    await sending
  })

  test('of many receivers gives their connections back', async () => {
    const broker = new Broker()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const { adapter, sockets } = broker.open()
    onTestFinished(adapter.close)
    const { eventStreamer } = adapter
    await eventStreamer.ensure(layoutOf())
    const receivers = await Promise.all(Array.from({ length: 25 }, () => eventStreamer.newReceiver(ephemeral)))
    await (await eventStreamer.newSender()).send([eventOf(1, 0)])
    for (const receiver of receivers) await take(receiver, 1)
    expect(sockets()).toBeGreaterThan(25)
    for (const receiver of receivers) await receiver[Symbol.asyncDispose]()
    await expect.poll(sockets, { timeout: 15_000 }).toBeLessThan(30)
  })
})
