/** The relay while its broker is away for a minute: nothing lost, in order, in batches, and memory that does not grow with the backlog. */
import { describe, expect, test } from 'vitest'
import { outage } from './outage.ts'
import { brokerKinds, canStart } from './servers.ts'

/** Bytes in use after a collection: what is under way while a backlog is sent and read, however long it is. */
const growthMax = 32 * 1_048_576

for (const broker of brokerKinds) {
  const startable = await canStart(broker)
  describe.skipIf(!startable)(`an outage of ${broker} for a minute`, () => {
    for (const how of ['paused', 'killed'] as const)
      test(`by being ${how} loses nothing, and its backlog is sent in batches from constant memory`, { timeout: 600_000 }, async () => {
        const result = await outage({ broker, how, outageMs: 60_000, rate: 100 })
        console.log(broker, how, JSON.stringify(result))
        const { faults, backlog, sends, before, away, draining } = result
        expect(faults).toEqual([])
        expect(backlog).toBeGreaterThan(20_000)
        expect(sends).toBeLessThan(backlog / 100)
        expect(Math.max(away.live, draining.live) - before.live).toBeLessThan(growthMax)
      })
  })
}
