import { describe, expect, test } from 'vitest'
import { claimsOf, ensure, eventsOf, openReceiver, send, take, versionsOf } from './events.ts'
import { scene } from './scene.ts'
import { connectTo, overridden, serverUrl } from './server.ts'

describe.skipIf(serverUrl === undefined)('a slot that is taken over', { timeout: 30_000 }, () => {
  test('while its holder still acknowledges has lost nothing, and goes on behind what was acknowledged', async () => {
    const { open, stream } = await scene()
    const first = open()
    await ensure(first.eventStreamer)
    await send(first, eventsOf(1))
    const holder = await openReceiver(first)
    for (const { ack } of await take(holder, 1)) await ack()
    // What the stream says of itself is old when the cursor is read.
    let asked = 0
    const connection = await connectTo()
    const slow = overridden(connection, {
      request: async (subject, ...rest) => {
        const answer = await connection.request(subject, ...rest)
        if (subject.endsWith(`STREAM.INFO.${stream}`) && ++asked === 1) {
          await send(first, eventsOf(3, 0, 2))
          for (const { ack } of await take(holder, 3)) await ack()
        }
        return answer
      },
    })
    const next = await openReceiver(open({ connection: slow }), claimsOf(2n))
    expect(asked).toBeGreaterThan(0)
    await send(first, eventsOf(1, 0, 5))
    expect(versionsOf(await take(next, 1))).toEqual([5])
    await connection.close()
  })
})
