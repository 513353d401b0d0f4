/** Orders on a memory of their own, and a client in another process that has no handlers. */
import { after } from '../src/timer-value.ts'
import { type Contract, workflow } from '../src/contract.ts'
import type { Codec } from '../src/ports/codec.ts'
import { memory, memoryDatabase, type MemoryDatabase, type MemoryInfrastructure } from '../src/memory/index.ts'
import { type Schema, unchecked } from '../src/schema.ts'
import type { AnyWorkflow, Workflow, WorkflowClient } from '../src/workflow-client.ts'

export interface Order {
  cents: number
  card: string
}

const graph = {
  created: { step: ['paid', 'refused'] },
  paid: { callback: ['sent', 'paid'], timeout: ['expired'] },
  sent: {},
  refused: {},
  expired: {},
} as const
const payloads: { readonly paid: Schema<{ to: 'sent' | 'paid' }> } = { paid: unchecked() }
const contract: Contract<'orders', Schema<Order>, typeof graph, typeof payloads> = workflow('orders', {
  object: unchecked<Order>(),
  graph,
  payloads,
})

export type Orders = typeof contract

export interface OrderShop extends AsyncDisposable {
  readonly app: Workflow<Orders>
  /** Without handlers, on ports of its own. */
  readonly client: WorkflowClient<Orders>
  readonly database: MemoryDatabase
  readonly ports: MemoryInfrastructure
  readonly reach: (foreignId: string, status: 'paid' | 'sent' | 'refused', object?: Partial<Order>, region?: string) => Promise<string>
}

/** An order of a negative amount throws once it is at its step, one of nothing is refused, the others are paid. */
export async function orderShop(options: { readonly codec?: Codec } = {}): Promise<OrderShop> {
  const database = memoryDatabase()
  const ports = memory({ database, instance: 'engine' })
  const quiet = (): void => undefined
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
  const app = contract
    .addStep(
      'created',
      async (run) => {
        if (run.object.cents < 0) throw new Error(`card ${run.object.card} is declined`)
        return run.object.cents === 0 ? 'refused' : 'paid'
      },
      { pauseAfterErrCount: 1 },
    )
    .addCallback('paid', async (run, { to }) => {
      run.object.cents += 1
      return to
    })
    .addTimeout('paid', after('10d'), async () => 'expired')
    .build({ ...ports, slots: 1, logger, autoResume: false, ...options })
  const client = contract.client({ ...memory({ database, instance: 'web' }), slots: 1, logger, ...options })
  await app.run()
  const reach: OrderShop['reach'] = async (foreignId, status, object = {}, region = 'eu') => {
    const cents = status === 'refused' ? 0 : 100
    const runId = await client.trigger(foreignId, { initialValue: { cents, card: '4111', ...object }, metadata: { region } })
    await client.await(runId, status === 'sent' ? 'paid' : status)
    if (status === 'sent') await client.callback({ runId }, 'paid', { to: 'sent' }, { wait: true })
    return runId
  }
  const stop = async (): Promise<void> => {
    await Promise.all([app.stop(), client.close()])
  }
  return { app, client, database, ports, reach, [Symbol.asyncDispose]: stop }
}

/** A client of later code on the same runs, which makes something else of their objects. */
export function laterClient({ ports }: OrderShop, upcast: (order: unknown) => unknown): AnyWorkflow {
  const later = workflow('orders', {
    object: unchecked<Order>(),
    graph,
    payloads,
    schemaVersion: 2,
    upcast: (stored) => upcast(stored) as Order,
  })
  return later.client({ ...ports, slots: 1 })
}

/** All of a log. */
export async function textOf(log: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of log) text += chunk
  return text
}
