/** Slots that change hands while something is on its way. */
import { systemClock, type Clock } from '@workflow/core/adapter'
import { describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { eventOf, layoutOf } from './events.ts'
import { fresh, receiverOf, take, versionsOf } from './scene.ts'

/** The system's clock, but short waits last until `release` where they begin while it is held. */
class HeldClock implements Clock {
  readonly #waiting: (() => void)[] = []
  held = false
  readonly now = systemClock.now
  readonly monotonic = systemClock.monotonic
  readonly setImmediate = systemClock.setImmediate

  readonly setTimer: Clock['setTimer'] = (ms, callback) => {
    if (!this.held || ms > 20) return systemClock.setTimer(ms, callback)
    this.#waiting.push(callback)
    return { [Symbol.dispose]: () => undefined }
  }

  get waits(): boolean {
    return this.#waiting.length > 0
  }

  release(): void {
    this.held = false
    for (const callback of this.#waiting.splice(0)) callback()
  }
}

describe.skipIf(Broker.url === undefined)('a slot that changes hands', { timeout: 60_000 }, () => {
  test('right after it was claimed stays with the newer holder, however late the older one tidies up', async () => {
    const { open } = fresh()
    const { eventStreamer } = open()
    await eventStreamer.ensure(layoutOf())
    const sender = await eventStreamer.newSender()
    await sender.send([eventOf(1, 0)])
    const clock = new HeldClock()
    const slow = open({ clock })
    await slow.eventStreamer.ensure(layoutOf())
    clock.held = true
    const older = await receiverOf(slow.eventStreamer, 1)
    const newer = await receiverOf(open().eventStreamer, 2)
    const [first] = await take(newer, 1)
    expect(first?.redelivered).toBe(true)
    await first?.ack()
    // It may have fetched the event before it hears that it holds the slot no more.
    const signal = AbortSignal.timeout(10_000)
    const fenced = async (): Promise<never> => {
      for (;;) await older.receive({ max: 1, signal })
    }
    await expect(fenced()).rejects.toMatchObject({ code: 'Fenced' })
    clock.release()
    await slow.close()
    await sender.send([eventOf(1, 0, { version: 2 })])
    const [second] = await take(newer, 1)
    expect(second?.event.version).toBe(2)
    await second?.ack()
    await newer[Symbol.asyncDispose]()
    await sender.send([eventOf(1, 0, { version: 3 })])
    expect(versionsOf(await take(await receiverOf(open().eventStreamer, 3), 1))).toEqual([3])
  })

  test('while an acknowledgement is on its way makes it durable, or says that it is not', async () => {
    const { open } = fresh()
    const clock = new HeldClock()
    const { eventStreamer } = open({ clock })
    await eventStreamer.ensure(layoutOf())
    await (await eventStreamer.newSender()).send([1, 2, 3].map((version) => eventOf(1, 0, { version })))
    const receiver = await receiverOf(eventStreamer)
    const [first, second] = await take(receiver, 3)
    await first?.ack()
    clock.held = true
    const acked = second?.ack()
    await expect.poll(() => clock.waits).toBe(true)
    await receiver.assign([])
    clock.release()
    await acked
    expect(versionsOf(await take(await receiverOf(open().eventStreamer, 2), 1))).toEqual([3])
  })
})
