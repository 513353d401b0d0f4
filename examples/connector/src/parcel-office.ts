/** Two workflows on one stream, for a day. Which broker carries the stream, nothing in here knows. */
import type { Instrumentation, Logger } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { type Carrier, idHeader } from './carrier.ts'
import { morning, night, rush, rushParcels } from './carrier-day.ts'
import { invoiceDefinition, invoices } from './invoice.worker.ts'
import { reading } from './reading.ts'
import { shipments } from './shipment.contract.ts'
import { shipmentDefinition } from './shipment.worker.ts'

/** Few, so that something is seen of it: 1,024 is what a process usually takes in hand. */
const maxInFlight = 16
const patienceMs = 30_000
const lookMs = 10

/** Prints by `say`, line by line. Rejects if what should happen does not. */
export async function parcelOffice(carrier: Carrier, say: (line: string) => void): Promise<void> {
  await carrier.publish(night)
  const shipping = watch()
  const invoicing = watch()
  const idOf = ({ headers }: { readonly headers: Readonly<Record<string, string>> }): string => headers[idHeader] ?? ''
  const infrastructure = memory()
  const logger = shortLogger(say)
  await using shipment = shipmentDefinition.build({
    ...infrastructure,
    logger,
    maxInFlight,
    instrumentation: shipping.instrumentation,
    connectors: { carrier: reading(carrier.messages, { idOf, ...shipping }) },
  })
  await using invoice = invoiceDefinition.build({
    ...infrastructure,
    logger,
    maxInFlight,
    instrumentation: invoicing.instrumentation,
    connectors: { carrier: reading(carrier.messages, { idOf, ...invoicing }) },
  })
  await Promise.all([shipment.run(), invoice.run()])
  const listens = (workflow: typeof shipment | typeof invoice): boolean =>
    workflow.states().some(({ name, state }) => name === 'connector carrier' && state === 'running')
  await until('both workflows have their place in the stream', async () => listens(shipment) && listens(invoice))

  await carrier.publish([...morning, ...rush])
  const delivered = rushParcels + 3
  const sent = rushParcels + 2
  const { recordStore: store } = infrastructure
  const completed = async (workflowName: string): Promise<number> => (await store.count({ workflowName }, 'runState')).get('Completed') ?? 0
  await until(`${delivered} parcels are delivered`, async () => (await completed(shipments.name)) >= delivered)
  await until(`${sent} invoices are sent`, async () => (await completed(invoices.name)) >= sent)

  for (const foreignId of ['parcel-0', 'parcel-1', 'parcel-2']) {
    const [parcel] = (await shipment.list({ foreignId })).items
    const [bill] = (await invoice.list({ foreignId })).items
    say(
      `${foreignId}: ${parcel?.status}, signed by ${parcel?.object?.signedBy}; invoice ${bill?.status ?? 'none, handed over before we began'}`,
    )
  }
  const runs = [await store.count({ workflowName: shipments.name }, 'status'), await store.count({ workflowName: invoices.name }, 'status')]
  const [parcels, bills] = runs.map((counts) => [...counts.values()].reduce((sum, count) => sum + count, 0))
  say(`${parcels} parcels and ${bills} invoices of ${night.length + morning.length + rush.length} messages, two of which came twice`)
  say(`skipped and counted: ${shipping.skipped} messages by shipment, ${invoicing.skipped} by invoice`)
  say(
    `in hand at once: ${Math.max(shipping.inHand, invoicing.inHand)} messages at most, of a rush of ${rush.length}; the others waited in the stream`,
  )
}

interface Watch {
  readonly instrumentation: Instrumentation
  readonly onInHand: (count: number) => void
  readonly inHand: number
  readonly skipped: number
}

/** What a monitoring system would be told. */
function watch(): Watch {
  let inHand = 0
  let skipped = 0
  return {
    instrumentation: {
      count: (name, n, { reason }) => {
        if (name === 'workflow_process_skipped_events_count' && reason === 'invalid') skipped += n
      },
      gauge: () => undefined,
      observe: () => undefined,
    },
    onInHand: (count) => {
      inHand = Math.max(inHand, count)
    },
    get inHand() {
      return inHand
    },
    get skipped() {
      return skipped
    },
  }
}

/** Warnings and errors on one line each, without stacks. */
function shortLogger(say: (line: string) => void): Logger {
  const line = (fields: object, message: string): void => {
    const { workflow, error } = fields as { readonly workflow?: string; readonly error?: unknown }
    const [first = ''] = (error instanceof Error ? error.message : '').split('\n')
    say(`log: ${[workflow, message, first].filter(Boolean).join(': ')}`)
  }
  const ignore = (): void => undefined
  return { debug: ignore, info: ignore, warn: line, error: line }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const endMs = performance.now() + patienceMs; !(await holds()); await new Promise((resolve) => setTimeout(resolve, lookMs)))
    if (performance.now() > endMs) throw new Error(`after ${patienceMs / 1_000} s it is still not so that ${what}`)
}
