import { unchecked, workflow, type Workflow } from '@workflow/core'
import { memory, memoryDatabase, type MemoryInfrastructure } from '@workflow/core/memory'
import { describe, expect, test } from 'vitest'
import { enginePromises } from '../../testing/test/database/engine-promises.ts'
import { lossRepair } from '../../testing/test/database/loss-repair.ts'
import { Broker, type OpenedAdapter } from './broker.ts'

const quiet = (): void => undefined
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const parcels = workflow('parcels', {
  object: unchecked<{ readonly stops: readonly string[] }>(),
  graph: { packed: { step: ['sent'] }, sent: { step: ['arrived'] }, arrived: {} },
})

interface Instance {
  readonly wf: Workflow<typeof parcels>
  readonly records: MemoryInfrastructure
  readonly events: OpenedAdapter
}

describe.skipIf(Broker.url === undefined)('records in memory, events on Kafka', { timeout: 60_000 }, () => {
  enginePromises(() => {
    const broker = new Broker()
    const database = memoryDatabase({ committedEvents: 'outbox' })
    return {
      open: (instance) => {
        const { recordStore, timeoutStore, roleScheduler } = memory({ database, instance, leaseDuration: '1s' })
        const { adapter } = broker.open()
        return { recordStore, timeoutStore, roleScheduler, eventStreamer: adapter.eventStreamer, close: () => adapter.close() }
      },
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    }
  })

  test('runs whose events were dropped unread are found in the store', async () => {
    await using broker = new Broker()
    const open = () => {
      const { adapter } = broker.open()
      return { eventStreamer: adapter.eventStreamer, close: adapter.close }
    }
    await lossRepair(open, async (topic) => {
      for (let slot = 0; slot < 4; slot++) await broker.loseEvents(topic, slot)
    })
  })

  test('an instance that is killed at work loses nothing, and nothing is committed twice', async () => {
    await using broker = new Broker()
    const database = memoryDatabase({ committedEvents: 'outbox' })
    const start = async (instance: string): Promise<Instance> => {
      const records = memory({ database, instance, leaseDuration: '1s' })
      const events = broker.open()
      const { recordStore, timeoutStore, roleScheduler } = records
      const wf = parcels
        .addStep('packed', async (run) => ((run.object = { stops: [...run.object.stops, 'packed'] }), 'sent'), { parallelCount: 4 })
        .addStep('sent', async (run) => ((run.object = { stops: [...run.object.stops, 'sent'] }), 'arrived'), { parallelCount: 4 })
        .build({ recordStore, timeoutStore, roleScheduler, eventStreamer: events.adapter.eventStreamer, slots: 8, logger })
      await wf.run()
      return { wf, records, events }
    }
    const [a, b] = [await start('a'), await start('b')]
    const ids: string[] = []
    for (let n = 0; n < 300; n++) {
      if (n === 150) {
        b.records.kill()
        await b.events.kill()
      }
      ids.push(await a.wf.trigger(`p${n}`, { initialValue: { stops: [] } }))
    }
    const killedAt = performance.now()
    for (const id of ids) {
      const run = await a.wf.awaitCompletion(id, { timeout: '30s' })
      expect(run.object.stops).toEqual(['packed', 'sent'])
      expect(run.version).toBe(3)
    }
    expect(performance.now() - killedAt).toBeLessThan(15_000)
    await b.wf.stop({ timeout: '0ms' }).catch(quiet)
    const lag = async (): Promise<number> => {
      const receivers = await a.events.adapter.eventStreamer.receivers('parcels')
      return receivers.reduce((sum, info) => sum + info.lag, 0)
    }
    await expect.poll(lag, { timeout: 20_000 }).toBe(0)
    await a.wf.stop()
    await a.events.close()
  })
})
