import { describe, expect, test } from 'vitest'
import { isWorkflowError } from '../errors.ts'
import type { RunEvent } from '../model/run-event.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { Unit } from '../model/unit.ts'
import type { Delivery, EventReceiver } from '../ports/event-streamer.ts'
import { memory, memoryDatabase, memoryEventStreamer, memoryRecordStore, memoryTimeoutStore, type MemoryInfrastructure } from './index.ts'

const at = new Date(0)
const topic = 'orders/created'
const { signal } = new AbortController()
const coded = (code: string): unknown => expect.toSatisfy((error: unknown) => isWorkflowError(error) && error.code === code)

/** A unit that takes a run to a version, unfinished. */
function unitOf(runId: string, version = 1, foreignId = `foreign ${runId}`, id = `${runId} ${version}`): Unit {
  const own = { workflowName: 'orders', foreignId, runId, version }
  const object = { bytes: new TextEncoder().encode(`${runId} at ${version}`), codec: 'test', schema: 1 }
  return {
    id,
    changes: [
      {
        expect: version === 1 ? 'absent' : version - 1,
        next: {
          ...own,
          status: 'created',
          runState: 'Running',
          entered: { version: 1, at },
          repeat: 0,
          object,
          metadata: {},
          writer: { graph: 'g', schema: 1 },
          createdAt: at,
          updatedAt: at,
        },
        event: { ...own, v: 1, kind: 'transition', status: 'created', states: ['Running'], topics: [topic], slot: 0, at },
        history: { runId, version, unitId: id, to: 'created', states: ['Running'], by: 'step', at, attempt: 1, instance: 'a', object },
      },
    ],
  }
}

const layout = {
  workflowName: 'orders',
  topics: [topic],
  slots: 1,
  receivers: [{ name: 'steps', topics: [topic], from: 'earliest' }],
} as const

function claim(token: bigint, domain = 'd'): { slot: number; fence: { role: string; domain: string; token: bigint } } {
  return { slot: 0, fence: { role: 'orders/0', domain, token } }
}

async function opened(
  { eventStreamer }: Pick<MemoryInfrastructure, 'eventStreamer'>,
  token = 1n,
  domain?: string,
): Promise<EventReceiver<RunEvent>> {
  await eventStreamer.ensure(layout)
  return eventStreamer.newReceiver({ ...layout.receivers[0], durable: true, workflowName: 'orders', claims: [claim(token, domain)] })
}

const versions = (deliveries: readonly Delivery<RunEvent>[]): number[] => deliveries.map((delivery) => delivery.event.version)

describe('memory', () => {
  test('gives a streamer that reads the store, and timers of the same database', async () => {
    const ports = memory()
    expect(ports.eventStreamer.source).toBe(ports.recordStore)
    expect(ports.timeoutStore).toBe(ports.recordStore.timers)
    expect(ports.recordStore.transaction).toBeUndefined()
    expect(memoryEventStreamer().source).toBeUndefined()
  })

  test('instances on one database see the same runs and events', async () => {
    const database = memoryDatabase()
    const [one, other] = [memory({ database }), memory({ database })]
    const receiver = await opened(other)
    await one.recordStore.commit(unitOf('run'))
    expect(versions(await receiver.receive({ max: 10, signal }))).toEqual([1])
    await one.recordStore.close()
    await expect(one.recordStore.lookup('run')).rejects.toEqual(coded('Stopped'))
    expect((await other.recordStore.lookup('run'))?.version).toBe(1)
  })

  test('keeps what was committed before anybody had laid out its topics', async () => {
    const ports = memory()
    for (let version = 1; version <= 3_000; version++) await ports.recordStore.commit(unitOf('run', version))
    const receiver = await opened(ports)
    expect(versions(await receiver.receive({ max: 3, signal }))).toEqual([1, 2, 3])
    await expect(
      memory({ database: memoryDatabase() }).eventStreamer.newReceiver({
        ...layout.receivers[0],
        durable: true,
        workflowName: 'orders',
        claims: [],
      }),
    ).rejects.toEqual(coded('Configuration'))
  })

  test('forgets events once every durable receiver has acknowledged them, but for the last ones', async () => {
    const database = memoryDatabase({ retainedEvents: 300 })
    const ports = memory({ database })
    const receiver = await opened(ports)
    const log = database.events.log(topic, 0)
    for (let version = 1; version <= 2_000; version++) await ports.recordStore.commit(unitOf('run', version))
    const deliveries: Delivery<RunEvent>[] = []
    while (deliveries.length < 2_000) deliveries.push(...(await receiver.receive({ max: 500, signal })))
    for (const delivery of deliveries.slice(1).toReversed()) await delivery.ack()
    expect(log.start).toBe(0)
    await deliveries[0]?.ack()
    expect([log.start, log.end]).toEqual([1_536, 2_000])
    expect((await ports.eventStreamer.receivers('orders'))[0]?.lag).toBe(0)
  })

  test('of two domains the last to come has it, and a claim of the past one that comes late shuts nobody out', async () => {
    const ports = memory()
    await opened(ports, 1n, 'after the restore')
    await opened(ports, 7n, 'before the restore')
    await opened(ports, 2n, 'after the restore')
    await expect(opened(ports, 1n, 'after the restore')).rejects.toEqual(coded('Fenced'))
  })

  test('a receiver that waits is not woken by a topic that it leaves out', async () => {
    const ports = memory()
    const receiver = await opened(ports)
    const patience = new AbortController()
    const waiting = receiver.receive({ max: 1, except: new Set([topic]), signal: patience.signal })
    await expect(receiver.receive({ max: 1, signal })).rejects.toEqual(coded('InvalidArgument'))
    await ports.recordStore.commit(unitOf('run'))
    patience.abort(new Error('had enough'))
    await expect(waiting).rejects.toThrow('had enough')
    expect(versions(await receiver.receive({ max: 1, signal }))).toEqual([1])
  })

  test('killing an instance ends its calls and rolls its transactions back', async () => {
    const database = memoryDatabase()
    const [dying, other] = [memory({ database, transaction: () => 'tx' }), memory({ database })]
    const receiving = (await opened(dying)).receive({ max: 1, signal })
    const working = dying.recordStore.transaction?.(
      async (_tx, commit) => {
        await commit(unitOf('run'))
        await new Promise(() => undefined)
      },
      { signal },
    )
    await Promise.resolve()
    dying.kill()
    await expect(receiving).rejects.toEqual(coded('Stopped'))
    await expect(working).rejects.toEqual(coded('Stopped'))
    await expect(dying.recordStore.commit(unitOf('run'))).rejects.toEqual(coded('Stopped'))
    await expect(dying.roleScheduler.awaitRole('orders/0', { signal, generation: 0 })).rejects.toEqual(coded('Stopped'))
    expect(await other.recordStore.commit(unitOf('run'))).toMatchObject({ ok: true, replayed: false })
  })
})

describe('memoryRecordStore', () => {
  test('keeps its own bytes, whatever callers do to theirs', async () => {
    const store = memoryRecordStore()
    const unit = unitOf('run')
    await store.commit(unit)
    const textOf = async (): Promise<string> => new TextDecoder().decode((await store.lookup('run'))?.object.bytes)
    unit.changes?.[0]?.next.object.bytes.fill(0)
    expect(await textOf()).toBe('run at 1')
    ;(await store.lookup('run'))?.object.bytes.fill(0)
    expect(await textOf()).toBe('run at 1')
  })

  test('answers busy for what an open transaction has touched, and for nothing else', async () => {
    const store = memoryRecordStore({ transaction: () => ({}) })
    await store.commit(unitOf('run'))
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const seen = await store.transaction?.(
      async (_tx, commit) => {
        const staged = await commit(unitOf('run', 2))
        await commit(unitOf('new'))
        const answers = [
          await store.commit(unitOf('run', 2)),
          await store.commit(unitOf('rival', 1, 'foreign new')),
          await store.commit(unitOf('bystander')),
        ]
        const outside = await store.lookup('run')
        letGo()
        await held
        return { staged, outside, answers }
      },
      { signal },
    )
    expect(seen?.staged).toMatchObject({ ok: true, final: false })
    expect(seen?.outside?.version).toBe(1)
    expect(seen?.answers.map((answer) => (answer.ok ? 'ok' : answer.reason))).toEqual(['busy', 'busy', 'ok'])
    expect((await store.lookup('run'))?.version).toBe(2)
    expect(await store.commit(unitOf('rival', 1, 'foreign new'))).toMatchObject({
      ok: false,
      reason: 'in-progress',
      runId: 'rival',
      current: { runId: 'new' },
    })
  })

  test('answers busy within a transaction for what another one has touched, until that one has ended', async () => {
    const store = memoryRecordStore({ transaction: () => ({}) })
    const answers: unknown[] = []
    const attempt = async (): Promise<unknown> =>
      store.transaction?.(async (_tx, commit) => answers.push(await commit(unitOf('run'))), { signal })
    const failing = store.transaction?.(
      async (_tx, commit) => {
        await commit(unitOf('run'))
        await attempt()
        throw new Error('rolled back')
      },
      { signal },
    )
    await expect(failing).rejects.toThrow('rolled back')
    await attempt()
    expect(answers).toMatchObject([
      { ok: false, reason: 'busy' },
      { ok: true, replayed: false },
    ])
  })

  test('closing waits for the transactions that are open', async () => {
    const store = memoryRecordStore({ transaction: () => ({}) })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const working = store.transaction?.(
      async (_tx, commit) => {
        await held
        return commit(unitOf('run'))
      },
      { signal },
    )
    let closed = false
    const closing = store.close().then(() => {
      closed = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    letGo()
    expect(await working).toMatchObject({ ok: true })
    await closing
  })

  test('takes a transaction of its own through commit, and no other', async () => {
    const store = memoryRecordStore({ transaction: () => ({}) })
    await store.transaction?.(async (tx) => expect(await store.commit(unitOf('run'), { tx })).toMatchObject({ ok: true, final: false }), {
      signal,
    })
    expect((await store.lookup('run'))?.version).toBe(1)
    await expect(store.commit(unitOf('other'), { tx: {} })).rejects.toEqual(coded('InvalidArgument'))
  })

  test('refuses to move a run to another foreign id', async () => {
    const store = memoryRecordStore()
    await store.commit(unitOf('run'))
    await expect(store.commit(unitOf('run', 2, 'somebody else'))).rejects.toEqual(coded('InvalidArgument'))
  })

  test('recognises a unit that left no history', async () => {
    const store = memoryRecordStore()
    await store.commit(unitOf('run'))
    const emit: Unit = { id: 'wake up', emit: [{ ...(unitOf('run').changes?.[0]?.event as RunEvent), kind: 'wake' }] }
    expect(await store.commit(emit)).toMatchObject({ replayed: false })
    expect(await store.commit(emit)).toMatchObject({ ok: true, replayed: true })
  })

  test('hands its events to a relay, and refuses one where a streamer reads them directly', async () => {
    const store = memoryRecordStore()
    let wakes = 0
    store.outbox.onAppend?.(() => wakes++)
    await store.commit(unitOf('run'))
    const relay = await store.outbox.newReceiver({ workflowName: 'orders', claims: [claim(1n)] })
    const [delivery] = await relay.receive({ max: 10, signal })
    expect([delivery?.topic, delivery?.event.topics, wakes]).toEqual(['', [topic], 1])
    await expect(memory().recordStore.outbox.newReceiver({ workflowName: 'orders', claims: [] })).rejects.toEqual(coded('Unsupported'))
  })

  test('finds runs by what it indexes, and purges them with their timers', async () => {
    const store = memoryRecordStore()
    for (const run of ['a', 'b', 'c']) {
      const [change] = unitOf(run).changes ?? []
      if (change === undefined) throw new Error('unreachable')
      const next = {
        ...change.next,
        runState: 'Completed',
        finishedAt: at,
        parent: { workflowName: 'orders', runId: 'parent', join: 'j/1' },
      } as const
      await store.commit({
        id: `${run} 1`,
        changes: [
          { ...change, next, event: { ...change.event, states: ['Completed'] }, history: { ...change.history, states: ['Completed'] } },
        ],
        timers: [
          {
            put: {
              key: { kind: 'timeout', owner: run, epoch: 1, name: 't' },
              workflowName: 'orders',
              slot: 0,
              at,
              held: false,
              attempt: 0,
            },
          },
        ],
      })
    }
    const found = async (): Promise<string[]> =>
      (await store.list({ parent: { runId: 'parent' } }, { limit: 10 })).items.map((record: RunRecord) => record.runId)
    expect(await found()).toEqual(['a', 'b', 'c'])
    expect(await store.purge({ finishedBefore: new Date(1) }, 2)).toBe(2)
    expect(await found()).toEqual(['c'])
    expect((await store.timers.list({}, { limit: 10 })).items.map((timer) => timer.key.owner)).toEqual(['c'])
    expect(await store.latest('orders', 'foreign a')).toBeUndefined()
  })
})

describe('memoryTimeoutStore', () => {
  test('stands alone', async () => {
    const store = memoryTimeoutStore()
    await store.apply([
      { put: { key: { kind: 'schedule', owner: 's', epoch: 0, name: 'n' }, workflowName: 'orders', slot: 3, at, held: false, attempt: 0 } },
    ])
    expect(await store.nextExpiry({ workflowName: 'orders', slots: [1, 3] })).toEqual(at)
    expect(await store.nextExpiry({ workflowName: 'orders', slots: [1] })).toBeUndefined()
    await expect(store.due({ workflowName: 'orders', slots: [3], before: new Date(Number.NaN) }, { limit: 1 })).rejects.toEqual(
      coded('InvalidArgument'),
    )
  })
})
