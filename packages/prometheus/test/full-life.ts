/** A workflow that has one of everything, on a store and a stream that are two, so that an outbox is relayed as well. */
import { after, type Instrumentation, unchecked, workflow } from '@workflow/core'
import { memory, memoryDatabase, memoryEventStreamer } from '@workflow/core/memory'
import { memoryConnector } from '@workflow/testing'
import { eventually } from './eventually.ts'

const ann = { reason: 'because', actor: 'ann' }
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const parcels = workflow('parcels', { object: unchecked<{ readonly weight: number }>(), graph: { packed: { step: ['sent'] }, sent: {} } })

const orders = workflow('orders', {
  object: unchecked<{ readonly fails?: boolean }>(),
  graph: {
    created: { step: ['awaiting-approval', 'rejected'] },
    'awaiting-approval': { callback: ['shipping'], timeout: ['expired'] },
    shipping: { join: ['done'] },
    expired: { step: ['done'] },
    rejected: {},
    done: {},
  },
  payloads: { 'awaiting-approval': unchecked<{ readonly by: string }>() },
  children: { shipping: parcels },
})

/** Called while the workflow has had everything happen to it and still runs. */
export type Look = () => Promise<void>

/** Lives it, and stops. */
export async function liveFully(instrumentation: Instrumentation | readonly Instrumentation[], look: Look): Promise<void> {
  const stream = memoryEventStreamer({ database: memoryDatabase() })
  const ports = { ...memory({ database: memoryDatabase({ committedEvents: 'outbox' }) }), eventStreamer: stream, logger: quiet, slots: 4 }
  const mails = memoryConnector()
  await using children = parcels.addStep('packed', async () => 'sent').build({ ...ports, instrumentation })
  await using app = orders
    .addStep(
      'created',
      async (run) => {
        if (run.object.fails === true) throw new Error('declined')
        return 'awaiting-approval'
      },
      { pauseAfterErrCount: 2, errBackOff: '1ms' },
    )
    .addCallback('awaiting-approval', async (run) => {
      run.startChild(parcels, `${run.foreignId}/parcel`, { initialValue: { weight: 1 } })
      return 'shipping'
    })
    // Who is approved has all the time that a busy machine may need.
    .addTimeout(
      'awaiting-approval',
      ({ foreignId }) => after(foreignId === 'approved' ? '1h' : '50ms'),
      async () => 'expired',
    )
    .addJoin('shipping', async () => 'done')
    .addStep('expired', async () => 'done')
    .addConnector('mails', unchecked<{ readonly to: string }>(), async (event, api) => {
      await api.trigger(event.data.to, { initialValue: {} })
    })
    .onComplete(async () => undefined)
    .build({ ...ports, instrumentation, connectors: { mails } })
  await children.run()
  await app.run()
  const approved = await app.trigger('approved', { initialValue: {} })
  const poison = await app.trigger('poison', { initialValue: { fails: true } })
  await mails.publish([{ key: 'a', value: { to: 'expires' } }])
  await app.await(approved, 'awaiting-approval')
  await app.callback({ runId: approved }, 'awaiting-approval', { by: 'ann' })
  await app.awaitCompletion(approved)
  await eventually(async () => (await app.lookup(poison))?.state === 'Paused')
  await app.cancel(poison, ann)
  await app.deleteData(approved, ann)
  await eventually(async () => (await app.lookup(approved))?.state === 'DataDeleted')
  await eventually(async () => (await app.list({ state: 'Completed' })).items.some(({ foreignId }) => foreignId === 'expires'))
  await look()
  await app.stop()
  await children.stop()
  await mails.close()
}
