/**
 * One engine of two, each with records of its own: `node traced-process.ts <shop | post> <folder> <collector> <servers> <prefix>`. The shop
 * takes an order inside a request, and tells of it on a stream as any program would; the post begins a parcel for it.
 */
import { jetstream } from '@nats-io/jetstream'
import { connect, headers } from '@nats-io/transport-node'
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import { once } from 'node:events'
import { join } from 'node:path'
import { opentelemetry } from '../../opentelemetry/src/index.ts'
import { inRequest, registerOtlp } from '../../opentelemetry/test/letters.ts'
import { nats } from '../src/index.ts'

const [role = '', folder = '', collector = '', servers = '', prefix = ''] = process.argv.slice(2)
const provider = registerOtlp(collector)
const records = sqlite({ file: join(folder, `${role}.db`) })
const stream = nats({ servers, prefix: `${prefix}-${role}` })
const infrastructure = { ...records, eventStreamer: stream.eventStreamer, instrumentation: opentelemetry() }
const told = (): void => void process.send?.('told')

const orders = workflow('orders', { object: unchecked<object>(), graph: { placed: { step: ['sold'] }, sold: {} } })
const parcels = workflow('parcels', { object: unchecked<object>(), graph: { packed: { step: ['sent'] }, sent: {} } })

async function shop(): Promise<void> {
  const connection = await connect({ servers })
  await using app = orders
    .addStep('placed', async (run) => {
      const sold = headers()
      // As libraries write it that make the names of headers canonical.
      sold.set('Traceparent', run.traceparent ?? '')
      await jetstream(connection).publish(`${prefix}.sold`, JSON.stringify({ order: run.foreignId }), { headers: sold })
      return 'sold'
    })
    .build(infrastructure)
  await app.run()
  await app.awaitCompletion(await inRequest('POST /orders', () => app.trigger('order-1', { initialValue: {} })))
  told()
  await once(process, 'message')
  await app.stop()
  await connection.close()
}

async function post(): Promise<void> {
  await using app = parcels
    .addStep('packed', async () => 'sent')
    .addConnector(
      'sold',
      unchecked<{ order: string }>(),
      async ({ data }, api) => {
        await api.trigger(data.order, { initialValue: {} })
      },
      { from: 'earliest' },
    )
    .onComplete(async () => told())
    .build({ ...infrastructure, connectors: { sold: stream.connector({ stream: `${prefix}_foreign` }) } })
  await app.run()
  await once(process, 'message')
  await app.stop()
}

await (role === 'shop' ? shop() : post())
await stream.close()
await records.close()
await provider.shutdown()
process.disconnect()
