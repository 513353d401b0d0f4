/** The engine's most important promises on a real database: on the system's clock, with several instances as processes would be. */
import { after, unchecked, workflow, type WorkerInfrastructure } from '@workflow/core'
import type { TimeoutStore } from '@workflow/core/adapter'
import { afterEach, expect, test } from 'vitest'

/** What an adapter gives to one instance. */
export interface Instance extends Pick<WorkerInfrastructure, 'recordStore' | 'eventStreamer' | 'roleScheduler'> {
  readonly timeoutStore: TimeoutStore
  readonly close: () => Promise<void>
}

/** A database that is empty at first, and gone when it is disposed. */
export interface Database extends AsyncDisposable {
  /** An instance with connections of its own, as another process would have it. */
  readonly open: (instance: string) => Instance
}

interface Bill {
  readonly mode?: 'fail once' | 'poison'
  log: string[]
}

const bills = workflow('bills', {
  object: unchecked<Bill>(),
  graph: {
    made: { step: ['open'] },
    open: { callback: ['paid'], timeout: ['late'] },
    paid: { step: ['closed'] },
    late: { step: ['closed'] },
    closed: {},
  },
})
const ann = { reason: 'because', actor: 'ann' }

function definition(on: { readonly made?: (name: string) => void; readonly hook?: (name: string) => void } = {}) {
  return bills
    .addStep(
      'made',
      async (run) => {
        on.made?.(run.foreignId)
        if (run.object.mode === 'poison' || (run.object.mode === 'fail once' && run.attempt === 1))
          throw new Error(`attempt ${run.attempt}`)
        run.object.log.push(run.idempotencyKey)
        return 'open'
      },
      { errBackOff: '20ms', pauseAfterErrCount: 3, parallelCount: 4 },
    )
    .addCallback('open', async () => 'paid')
    .addTimeout(
      'open',
      (run) => (run.foreignId === 'expires' ? after('50ms') : undefined),
      async () => 'late',
    )
    .addStep('paid', async () => 'closed')
    .addStep('late', async () => 'closed')
    .onComplete(async (run) => {
      on.hook?.(run.foreignId)
    })
}

type Built = ReturnType<ReturnType<typeof definition>['build']>

const quietly = (): void => undefined
const silent = { debug: quietly, info: quietly, warn: quietly, error: quietly }
const often = { defaults: { pollingFrequency: '50ms' }, awaitPollingFrequency: '50ms' } as const

function portsOf({ recordStore, eventStreamer, timeoutStore, roleScheduler }: Instance): Omit<Instance, 'close'> {
  return { recordStore, eventStreamer, timeoutStore, roleScheduler }
}

const patience = { timeout: '20s' } as const

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('not within 20 s')
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}

/** Registers a test per promise, on databases that `fresh` makes. */
export function enginePromises(fresh: () => Database): void {
  interface Place {
    readonly database: Database
    readonly opened: { readonly db: Instance; readonly wf?: Built }[]
  }
  const places: Place[] = []

  function place(): Place {
    const made = { database: fresh(), opened: [] }
    places.push(made)
    return made
  }

  async function start(at: Place, made: ReturnType<typeof definition>, instance = 'a'): Promise<Built> {
    const db = at.database.open(instance)
    const wf = made.build({ ...portsOf(db), slots: 4, autoResume: '100ms', logger: silent, ...often })
    at.opened.push({ db, wf })
    await wf.run()
    return wf
  }

  afterEach(async () => {
    for (const { database, opened } of places.splice(0)) {
      for (const { wf } of opened) await wf?.stop({ timeout: '0ms' })
      for (const { db } of opened) await db.close()
      await database[Symbol.asyncDispose]()
    }
  })

  test('runs go through steps, callbacks, timeouts and hooks', async () => {
    const hooks: string[] = []
    const wf = await start(place(), definition({ hook: (name) => hooks.push(name) }))
    const called = await wf.trigger('called', { initialValue: { log: [] } })
    const expires = await wf.trigger('expires', { initialValue: { log: [] } })
    await wf.await(called, 'open', patience)
    expect(await wf.callback({ runId: called }, 'open', undefined, { wait: true, ...patience })).toMatchObject({ status: 'paid' })
    expect((await wf.awaitCompletion(called, patience)).object.log).toEqual([`${called}/1/0`])
    await wf.awaitCompletion(expires, patience)
    expect((await wf.history(expires)).items.map(({ version, to, by }) => `${version} ${to} ${by}`)).toEqual([
      '1 made trigger',
      '2 open step',
      '3 late timeout',
      '4 closed step',
    ])
    await eventually(() => hooks.length === 2)
  })

  test('of racing triggers over two instances one wins', async () => {
    const at = place()
    const [a, b] = [await start(at, definition(), 'a'), await start(at, definition(), 'b')]
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? a : b).trigger('one', { initialValue: { log: [] } })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'WorkflowInProgress' })
  })

  test('two instances share the work; each transition happens once, and one can leave at any time', async () => {
    const at = place()
    const [a, b] = [await start(at, definition(), 'a'), await start(at, definition(), 'b')]
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? a : b).trigger(`b${i}`, { initialValue: { log: [] } })),
    )
    for (const runId of ids) await a.callback({ runId }, 'open', undefined, { queue: true })
    const stopping = b.stop()
    for (const id of ids) await a.awaitCompletion(id, patience)
    await stopping
    for (const id of ids) {
      const { items } = await a.history(id)
      expect(items.map(({ version, to }) => `${version} ${to}`)).toEqual(['1 made', '2 open', '3 paid', '4 closed'])
    }
  })

  test('failed attempts are counted, the run pauses with its reason, is resumed, and a retry goes on', async () => {
    const calls: string[] = []
    const wf = await start(place(), definition({ made: (name) => calls.push(name) }))
    const once = await wf.trigger('once', { initialValue: { mode: 'fail once', log: [] } })
    await wf.await(once, 'open', patience)
    expect((await wf.history(once)).items[1]).toMatchObject({ attempt: 2 })
    const poison = await wf.trigger('poison', { initialValue: { mode: 'poison', log: [] } })
    await eventually(() => calls.filter((name) => name === 'poison').length > 3)
    expect((await wf.history(poison)).items.slice(1, 3)).toMatchObject([
      { states: ['Initiated', 'Paused'], by: 'engine', reason: 'step made: attempt 3', error: { message: 'attempt 3' } },
      { states: ['Paused', 'Running'], by: 'engine' },
    ])
    await wf.cancel(poison, ann)
    expect((await wf.explain(poison)).waitsFor).toEqual([{ kind: 'nothing' }])
  })

  test('what one instance left is done by the next: runs, timers, callbacks and hooks', async () => {
    const at = place()
    const hooks: string[] = []
    const a = await start(at, definition(), 'a')
    const expires = await a.trigger('expires later', { initialValue: { log: [] } })
    await a.await(expires, 'open', patience)
    await a.stop()
    await at.opened[0]?.db.close()
    const quiet = at.database.open('client')
    at.opened.push({ db: quiet })
    const client = bills.client({ ...portsOf(quiet), slots: 4 })
    const later = await client.trigger('while away', { initialValue: { log: [] } })
    await client.callback({ runId: expires }, 'open')
    const b = await start(at, definition({ hook: (name) => hooks.push(name) }), 'b')
    await b.awaitCompletion(expires, patience)
    await b.callback({ runId: later }, 'open', undefined, { queue: true })
    await client.awaitCompletion(later, patience)
    await eventually(() => hooks.length === 2)
  })

  test('data is deleted from every place', async () => {
    const wf = await start(place(), definition())
    const runId = await wf.trigger('secret', { initialValue: { log: ['hunter2'] } })
    await wf.await(runId, 'open', patience)
    await wf.cancel(runId, { reason: 'hunter2', actor: 'ann' })
    await wf.deleteData(runId, ann)
    await eventually(async () => (await wf.lookup(runId))?.state === 'DataDeleted')
    expect(JSON.stringify([await wf.lookup(runId), await wf.history(runId, { objects: true }), await wf.explain(runId)])).not.toContain(
      'hunter2',
    )
  })
}
