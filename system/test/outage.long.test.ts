/** The relay while its broker is away for a minute: nothing lost, in order, in batches, and memory that does not grow with the backlog. */
import { describe, expect, test } from 'vitest'
import { outage, sendsMax } from './outage.ts'
import { brokerKinds, canStart } from './servers.ts'

/**
 * Bytes in use after a collection: what is under way while a backlog is sent and read, three batches of the relay among it. Backlogs of
 * 48,000 and of 144,000 events take 12 to 31 MB; each of their events took 6 kB if all were held.
 */
const growthMax = 40 * 1_048_576

/** The last one's backlog is three times as long. */
const misfortunes = [
  { how: 'paused', rate: 100 },
  { how: 'killed', rate: 100 },
  { how: 'paused', rate: 300 },
] as const

for (const broker of brokerKinds) {
  const startable = await canStart(broker)
  describe.skipIf(!startable)(`an outage of ${broker} for a minute`, () => {
    for (const { how, rate } of misfortunes)
      test(`by being ${how}, ${rate} runs/s, loses nothing, and its backlog is sent in batches from constant memory`, {
        timeout: 600_000,
      }, async () => {
        const result = await outage({ broker, how, outageMs: 60_000, rate })
        console.log(broker, how, rate, JSON.stringify(result))
        const { faults, backlog, sends, before, away, draining } = result
        expect(faults).toEqual([])
        expect(backlog).toBeGreaterThan(20_000)
        expect(sends).toBeLessThanOrEqual(sendsMax(backlog))
        expect(Math.max(away.live, draining.live) - before.live).toBeLessThan(growthMax)
      })
  })
}
