/**
 * A worker with its relay: `node relay-process.ts <addresses as JSON>`, forked. It begins runs when it is told a number of them, so
 * that they go on here while nothing comes from the stream, and tells every half a second what its relay has sent.
 */
import type { EventSender, EventStreamer } from '@workflow/core/adapter'
import { patientRun } from './patient-run.ts'
import { type Addresses, openPorts } from './ports.ts'
import { initialValue, ticketDefinition } from './ticket-workflow.ts'
import { workerOptions } from './worker-settings.ts'

/** What the relay has done since its start. */
export interface RelayReport {
  /** How many events had been sent after each call of `send` that was answered. */
  readonly sends: readonly number[]
  /** Calls of `send` that failed. */
  readonly failures: number
  /** Events of the answered ones. */
  readonly events: number
  /** What the process has in use right after a collection, in bytes: the heap, and buffers beside it. */
  readonly live: number
  /** What it has from the system, in bytes. */
  readonly resident: number
  /** Runs begun. */
  readonly runs: number
}

const everyMs = 500
const nothing = (): void => undefined
const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
// Written by the parent.
const ports = openPorts(JSON.parse(process.argv[2] ?? '{}') as Addresses, 'relay', logger)
const sends: number[] = []
let [failures, events, runs, names] = [0, 0, 0, 0]

function counted(streamer: EventStreamer): EventStreamer {
  const newSender = async (): Promise<EventSender> => {
    const sender = await streamer.newSender()
    return {
      send: async (batch) => {
        try {
          await sender.send(batch)
        } catch (error) {
          failures++
          throw error
        }
        events += batch.length
        sends.push(events)
      },
      [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose](),
    }
  }
  return { ...streamer, newSender }
}

const workflow = ticketDefinition().build({
  ...ports,
  eventStreamer: counted(ports.eventStreamer),
  logger,
  ...workerOptions,
  defaults: { parallelCount: 64, errBackOff: '20ms' },
})

let telling: NodeJS.Timeout | undefined
function tell(): void {
  globalThis.gc?.()
  const { heapUsed, external, rss: resident } = process.memoryUsage()
  process.send?.({ sends, failures, events, live: heapUsed + external, resident, runs } satisfies RelayReport)
}

process.on('disconnect', () => process.exit())
process.on('message', (message) => {
  if (typeof message === 'number') void begin(message)
  else void leave()
})

async function begin(count: number): Promise<void> {
  const items = Array.from({ length: count }, () => ({ foreignId: `ticket-${names++}`, initialValue }))
  const results = await workflow.triggerMany(items)
  runs += results.filter((result) => result.error === undefined).length
}

async function leave(): Promise<void> {
  await workflow.stop({ timeout: '10s' })
  await ports.close()
  clearInterval(telling)
  tell()
  process.disconnect()
}

await patientRun(workflow)
tell()
telling = setInterval(tell, everyMs)
