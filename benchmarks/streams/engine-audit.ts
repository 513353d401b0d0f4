/** What must be true once a load through the engine has passed, whatever counted it. Throws for what is not. */
import { type EventStreamer, type RecordStore, topicOf } from '@workflow/core/adapter'
import { orders, stepsPerRun } from '../harness/orders.ts'

/** How long everything that was sent may take to be read once more. */
const readMsDefault = 60_000
const batch = 1_000
const statuses = ['placed', 'paid', 'packed', 'shipped'] as const

/** Each run is stored as completed, and no other run is stored. */
export async function assertAllCompleted(store: RecordStore, runs: number): Promise<void> {
  const states = await store.count({ workflowName: orders.name }, 'runState')
  const stored = [...states.values()].reduce((sum, each) => sum + each, 0)
  if (states.get('Completed') !== runs || stored !== runs)
    throw new Error(`${runs} runs were completed, but ${JSON.stringify([...states])} are stored`)
}

/** No durable reader has anything left to acknowledge. */
export async function assertAllHandled(streamer: EventStreamer): Promise<void> {
  const behind = (await streamer.receivers(orders.name)).filter(({ lag }) => lag > 0)
  if (behind.length > 0) throw new Error(`not everything was handled: ${behind.map(({ name, lag }) => `${name} lacks ${lag}`).join(', ')}`)
}

/** The stream has the event of each transition, and of each creation: read by somebody who sees all that was sent since `from`. */
export async function assertAllSent(streamer: EventStreamer, runs: number, from: Date, readMs: number = readMsDefault): Promise<void> {
  const topics = statuses.map((status) => topicOf(orders.name, status))
  await using reader = await streamer.newReceiver({ durable: false, workflowName: orders.name, topics, from })
  const expected = runs * (stepsPerRun + 1)
  const seen = new Set<string>()
  const signal = AbortSignal.timeout(readMs)
  while (seen.size < expected) {
    const deliveries = await reader.receive({ max: batch, signal }).catch((error: unknown) => {
      throw new Error(`only ${seen.size} of ${expected} events are in the stream`, { cause: error })
    })
    for (const { event } of deliveries) seen.add(`${event.runId}/${event.version}`)
  }
}
