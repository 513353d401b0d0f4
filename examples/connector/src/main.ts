import { memory } from '@workflow/core/memory'
import { memoryConnector } from '@workflow/testing'
import { shipmentDefinition } from './shipment.worker.ts'

// Stands for a topic of the carrier's message broker.
const carrier = memoryConnector()
await using workflow = shipmentDefinition.build({ ...memory(), connectors: { carrier } })
await workflow.run()

await carrier.publish([
  { id: 'm-1', key: 'parcel-1', value: { kind: 'picked-up', parcel: 'parcel-1', address: 'Rua Augusta 1, Lisbon' } },
  { id: 'm-2', key: 'parcel-2', value: { kind: 'picked-up', parcel: 'parcel-2', address: 'Unter den Linden 5, Berlin' } },
  { id: 'm-3', key: 'parcel-1', value: { kind: 'handed-over', parcel: 'parcel-1', signedBy: 'M. Silva' } },
  // Brokers deliver at least once: the same message again.
  { id: 'm-1', key: 'parcel-1', value: { kind: 'picked-up', parcel: 'parcel-1', address: 'Rua Augusta 1, Lisbon' } },
  { id: 'm-4', key: 'parcel-2', value: { kind: 'handed-over', parcel: 'parcel-2', signedBy: 'K. Weber' } },
])

for (const parcel of ['parcel-1', 'parcel-2']) {
  const runId = await startedRun(parcel)
  const run = await workflow.awaitCompletion(runId, { timeout: '10s' })
  console.log(`${parcel}: ${run.status}, signed by ${run.object.signedBy}`)
}
const { items } = await workflow.list()
console.log(`${items.length} runs for 5 messages`)
await carrier.close()

/** The connector starts runs in its own time: look until it has. */
async function startedRun(parcel: string): Promise<string> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const [run] = (await workflow.list({ foreignId: parcel })).items
    if (run !== undefined) return run.runId
  }
  throw new Error(`no run of ${parcel} has been started`)
}
