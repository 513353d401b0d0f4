/** What becomes of runs whose events a stream has dropped unread. */
import { unchecked, workflow, type Workflow } from '@workflow/core'
import { systemClock, type Clock, type EventStreamer } from '@workflow/core/adapter'
import { memory, memoryDatabase } from '@workflow/core/memory'
import { expect } from 'vitest'

const parcels = workflow('parcels', { object: unchecked<{ readonly n: number }>(), graph: { packed: { step: ['sent'] }, sent: {} } })
const count = 20
/** Longer than the sweeper leaves runs alone because their events may be on their way. */
const laterMs = 300_000
const later: Clock = { ...systemClock, now: () => systemClock.now() + laterMs }

export interface LossyStream {
  readonly eventStreamer: EventStreamer
  readonly close: () => Promise<void>
}

/**
 * Events are sent and never acknowledged, because their worker stands still until it is stopped; then `lose` drops them all. The
 * next worker is told, says so, and finds every run in the store.
 */
export async function lossRepair(open: () => LossyStream, lose: (topic: string) => Promise<void>): Promise<void> {
  const database = memoryDatabase({ committedEvents: 'outbox' })
  const said: string[] = []
  const note = (_: object, message: string): void => void said.push(message)
  const start = async (
    instance: string,
    handler: () => Promise<'sent'>,
    clock?: Clock,
  ): Promise<{ readonly wf: Workflow<typeof parcels>; readonly end: () => Promise<void> }> => {
    const { recordStore, timeoutStore, roleScheduler } = memory({ database, instance, leaseDuration: '1s' })
    const stream = open()
    const wf = parcels.addStep('packed', handler, { parallelCount: count }).build({
      recordStore,
      timeoutStore,
      roleScheduler,
      eventStreamer: stream.eventStreamer,
      slots: 4,
      sweepFrequency: '200ms',
      logger: { debug: () => undefined, info: () => undefined, warn: note, error: note },
      ...(clock === undefined ? {} : { clock }),
    })
    await wf.run()
    const end = async (): Promise<void> => {
      await wf.stop({ timeout: '0ms' })
      await stream.close()
    }
    return { wf, end }
  }
  let begun = 0
  const first = await start('a', async () => {
    begun++
    return await new Promise<never>(() => undefined)
  })
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push(await first.wf.trigger(`p${n}`, { initialValue: { n } }))
  await expect.poll(() => begun, { timeout: 20_000 }).toBe(count)
  await first.end()
  await lose('parcels/packed')
  const second = await start('b', async () => 'sent', later)
  for (const id of ids) expect(await second.wf.awaitCompletion(id, { timeout: '30s' })).toMatchObject({ status: 'sent', version: 2 })
  expect(said).toContain('the stream has lost events; the sweeper will find the runs that they were for')
  await second.end()
}
