/** The relay while its broker is away, for some seconds. For a minute: `outage.long.test.ts`. */
import { describe, expect, test } from 'vitest'
import { outage, sendsMax } from './outage.ts'
import { brokerKinds, canStart } from './servers.ts'

const startable = new Set<string>()
for (const kind of brokerKinds) if (await canStart(kind)) startable.add(kind)

describe('what was committed while the broker was away', () => {
  test
    .skipIf(!startable.has('kafka'))
    .concurrent('is sent to Kafka in batches, in order, and nothing is lost', { timeout: 300_000 }, () =>
      drainsInBatches('kafka', 'paused'),
    )

  test
    .skipIf(!startable.has('nats'))
    .concurrent('is sent to NATS in batches, in order, and nothing is lost', { timeout: 300_000 }, () => drainsInBatches('nats', 'killed'))
})

async function drainsInBatches(broker: 'kafka' | 'nats', how: 'paused' | 'killed'): Promise<void> {
  const { faults, backlog, sends } = await outage({ broker, how, outageMs: 1_500, rate: 80 })
  expect(faults).toEqual([])
  expect(backlog).toBeGreaterThan(100)
  expect(sends).toBeLessThanOrEqual(sendsMax(backlog))
}
