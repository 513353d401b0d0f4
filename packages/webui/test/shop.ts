/** Workflows at work in memory, and a handler that looks after them: what the tests of the server talk to. */
import { type AnyWorkflow, after, StoreUnavailable, unchecked, workflow } from '@workflow/core'
import { memory, memoryDatabase } from '@workflow/core/memory'
import { expect } from 'vitest'
import { webui, type WebUi, type WebUiOptions } from '../src/index.ts'

export interface Order {
  readonly card?: string
  readonly fails?: boolean
  readonly parcels?: number
}

const graph = {
  created: { step: ['paid', 'packing'] },
  paid: { callback: ['done'], timeout: ['late'] },
  packing: { join: ['done'] },
  late: {},
  done: {},
} as const
export const parcels = workflow('parcels', {
  object: unchecked<{ readonly order: string }>(),
  graph: { packed: { callback: ['sent'] }, sent: {} },
})
export const orders = workflow('orders', { object: unchecked<Order>(), graph, children: { packing: parcels } })
const definition = orders
  .addStep(
    'created',
    async (run) => {
      if (run.object.fails === true) throw new Error(`card ${run.object.card} was refused`)
      if (run.object.parcels === undefined) return 'paid'
      for (let i = 0; i < run.object.parcels; i++)
        run.startChild(parcels, `${run.foreignId}/${i}`, { initialValue: { order: run.foreignId } })
      return 'packing'
    },
    { pauseAfterErrCount: 2, errBackOff: '1ms' },
  )
  .addCallback('paid', async () => 'done')
  .addTimeout(
    'paid',
    async () => after('1h'),
    async () => 'late',
  )
  .addJoin('packing', async () => 'done')

export interface LogLine {
  readonly level: string
  readonly fields: object
  readonly message: string
}

export const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The ports of one store, which can be taken away and given back. */
export function flakyPorts(database: ReturnType<typeof memoryDatabase>) {
  const ports = memory({ database })
  const gate: { down: boolean; downAfterCommit: boolean; counting?: Promise<void> | undefined } = { down: false, downAfterCommit: false }
  const recordStore = new Proxy(ports.recordStore, {
    get(store, name) {
      const member: unknown = Reflect.get(store, name, store)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        if (gate.down && name !== Symbol.asyncDispose) return Promise.reject(new StoreUnavailable('the test has taken the store away'))
        const { counting } = gate
        if (counting !== undefined && name === 'count') return counting.then(() => Reflect.apply(member, store, args) as unknown)
        if (!gate.downAfterCommit || name !== 'commit') return Reflect.apply(member, store, args) as unknown
        return (Reflect.apply(member, store, args) as Promise<unknown>).finally(() => void (gate.down = true))
      }
    },
  })
  return { ports: { ...ports, recordStore }, gate }
}

/** Everything is allowed to `ann`, unless `options` say otherwise. */
export async function openShop(options: Partial<WebUiOptions> = {}) {
  const database = memoryDatabase()
  const lines: LogLine[] = []
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message })
  const app = definition.build({ ...memory({ database }), logger: quiet, autoResume: false })
  await app.run()
  const { ports, gate } = flakyPorts(database)
  const client = orders.client({ ...ports, logger: quiet })
  const parcelClient = parcels.client({ ...ports, logger: quiet })
  const ui = webui({
    workflows: [client, parcelClient] as readonly AnyWorkflow[],
    authorize: () => ({ actor: 'ann', permissions: ['view', 'act', 'delete'] }),
    logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    ...options,
  })
  return {
    app,
    /** What the web UI asks about orders. */
    client,
    ui,
    lines,
    database,
    ...asking(ui),
    /** Whether the store that the web UI asks is away. */
    storeDown: (down: boolean): void => void (gate.down = down),
    /** Counting takes it until this is settled. */
    storeCounting: (counting: Promise<void> | undefined): void => void (gate.counting = counting),
    /** It goes away as soon as it has committed something for the web UI. */
    storeDownAfterCommit: (): void => void (gate.downAfterCommit = true),
    /** A run that waits at `paid`. */
    async paid(foreignId: string, more: { readonly object?: Order; readonly metadata?: Record<string, string> } = {}): Promise<string> {
      const { object = { card: '4111' }, metadata = {} } = more
      const runId = await app.trigger(foreignId, { initialValue: object, metadata })
      await app.await(runId, 'paid')
      return runId
    },
    async done(foreignId: string): Promise<string> {
      const runId = await this.paid(foreignId)
      await app.callback({ runId }, 'paid', undefined, { wait: true })
      await app.awaitCompletion(runId)
      return runId
    },
    /** A run that the engine has paused, since its card was refused. */
    async refused(foreignId: string): Promise<string> {
      const runId = await app.trigger(foreignId, { initialValue: { card: '4222', fails: true } })
      await expect.poll(async () => (await app.lookup(runId))?.state, { interval: 5 }).toBe('Paused')
      return runId
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await ui.close()
      await Promise.all([app.stop(), client.close(), parcelClient.close()])
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // The tests look at it field by field.
  readonly body: never
}

export const site = 'http://ui.test'

/** Ways to ask a handler. */
export function asking(ui: WebUi) {
  const send = async (path: string, init: RequestInit & { readonly duplex?: 'half' } = {}): Promise<Answer> => {
    const response = await ui(new Request(`${site}/api/v1${path}`, init))
    // An event stream has no end.
    const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (streams) await response.body?.cancel()
    const text = streams ? '' : await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, headers: response.headers, body: (isJson && text !== '' ? JSON.parse(text) : text) as never }
  }
  return {
    send,
    get: (path: string, headers: Record<string, string> = {}): Promise<Answer> => send(path, { headers }),
    post: (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-workflow-webui': '1', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}
