/** The record store as one process sees it: every call takes its time and may fail, the data are those of the shared store. */
import {
  roleOf,
  slotOf,
  type Change,
  type CommitOptions,
  type CommitResult,
  type DueQuery,
  type HistoryOptions,
  type Outbox,
  type PageOptions,
  type PayloadPlace,
  type Payload,
  type RecordStore,
  type RunQuery,
  type SlotQuery,
  type TimeoutStore,
  type TimerOp,
  type TimerQuery,
  type Unit,
} from '@workflow/core/adapter'
import type { SimProcess } from './sim-process.ts'
import type { Transaction } from './surroundings.ts'
import { byGraph } from './transition-rules.ts'

/** How many transactions are tried at most at once is up to the store; here there is no limit. */
export function simRecordStore(
  process: SimProcess,
  outbox: Outbox,
  onConnectionLost: RecordStore['onConnectionLost'],
): RecordStore<Transaction> {
  const { store } = process.world
  const read = <T>(name: string, effect: () => Promise<T>): Promise<T> => process.call({ place: 'read', name, side: 'store', effect })
  return {
    capabilities: store.capabilities,
    timers: simTimeoutStore(process, read),
    commit: (unit, options) => commit(process, unit, options),
    transaction: (work, { signal }) => transaction(process, work, signal),
    lookup: (runId) => read('lookup', () => store.lookup(runId)),
    latest: (workflowName, foreignId) => read('latest', () => store.latest(workflowName, foreignId)),
    unfinishedChildren: (runId, join, limit) => read('unfinishedChildren', () => store.unfinishedChildren(runId, join, limit)),
    list: (query: RunQuery, page: PageOptions) => read('list', () => store.list(query, page)),
    count: (query, by) => read('count', () => store.count(query, by)),
    history: (runId: string, page: HistoryOptions) => read('history', () => store.history(runId, page)),
    items: (runId, stream, page) => read('items', () => store.items(runId, stream, page)),
    rewrite: (runId, scrub) => rewrite(process, runId, scrub),
    purge: (query, limit) => process.call({ place: 'write', name: 'purge', side: 'store', effect: () => store.purge(query, limit) }),
    outbox,
    onConnectionLost,
    close: async () => undefined,
  }
}

function commit(process: SimProcess, unit: Unit, options: CommitOptions | undefined): Promise<CommitResult> {
  const { store, oracle } = process.world
  const [first] = unit.changes ?? []
  assertHolds(process, first)
  const runId = first?.next.runId ?? unit.append?.[0]?.runId ?? unit.attempts?.[0]?.runId
  return process.call<CommitResult>({
    place: 'write',
    name: 'commit',
    side: 'store',
    ...(runId === undefined ? undefined : { order: runId }),
    faulted: (fault) => (fault.kind === 'write busy' ? { ok: false, reason: 'busy' } : undefined),
    effect: async () => {
      const result = await store.commit(unit, options)
      oracle.answered(unit, result, process)
      process.world.trace(
        () => `  ${describeUnit(unit, process)}: ${result.ok ? (result.replayed ? 'replayed' : 'committed') : result.reason}`,
      )
      return result
    },
  })
}

/** Whoever has lost a role sends nothing of it any more. What was on its way is the store's to refuse. */
function assertHolds(process: SimProcess, change: Change | undefined): void {
  if (!process.alive || change === undefined || !byGraph.has(change.history.by)) return
  const { workflowName, runId } = change.next
  if (process.leases.has(roleOf(workflowName, slotOf(runId, process.world.slots)))) return
  const { oracle } = process.world
  oracle.fail('one writer per role', `${process.name} sends a ${change.history.by} of ${oracle.nameOf(runId)} without holding its role`)
}

async function transaction<T>(
  process: SimProcess,
  work: (tx: Transaction, commit: (unit: Unit) => Promise<CommitResult>) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { store, oracle } = process.world
  if (store.transaction === undefined) throw new Error('the shared store has transactions')
  const over = new AbortController()
  const end = (): void => over.abort(signal.aborted ? signal.reason : new Error('the process has died'))
  signal.addEventListener('abort', end, { once: true })
  process.onDeath(end)
  const written: { readonly unit: Unit; readonly result: CommitResult }[] = []
  const begin = store.transaction.bind(store)
  return await process.call<T>({
    place: 'write',
    name: 'transaction',
    side: 'store',
    effect: async () => {
      let rows: readonly string[] = []
      const result = await begin(
        async (tx, commitIn) => {
          rows = tx.rows
          return await work(tx, (unit) =>
            process.call<CommitResult>({
              place: 'write',
              name: 'commit in a transaction',
              side: 'store',
              effect: async () => {
                const answer = await commitIn(unit)
                written.push({ unit, result: answer })
                return answer
              },
            }),
          )
        },
        { signal: over.signal },
      )
      for (const { unit, result: answer } of written) oracle.answered(unit, answer, process)
      oracle.rows(rows)
      return result
    },
  })
}

/** Every payload is a step of its own: a crash may come between any two. */
function rewrite(process: SimProcess, runId: string, scrub: (payload: Payload, place: PayloadPlace) => Promise<Payload>): Promise<void> {
  const { store } = process.world
  const step = (payload: Payload, place: PayloadPlace): Promise<Payload> =>
    process.call({ place: 'write', name: 'rewrite of one payload', side: 'store', effect: () => scrub(payload, place) })
  return process.call({ place: 'write', name: 'rewrite', side: 'store', effect: () => store.rewrite(runId, step) })
}

function simTimeoutStore(process: SimProcess, read: <T>(name: string, effect: () => Promise<T>) => Promise<T>): TimeoutStore {
  const { world } = process
  const { timers } = world.store
  return {
    apply: (ops: readonly TimerOp[]) =>
      process.call({
        place: 'write',
        name: 'timers.apply',
        side: 'store',
        effect: async () => {
          await timers.apply(ops)
          world.oracle.timers.apply(ops)
        },
      }),
    due: (query: DueQuery, page: PageOptions) => read('timers.due', () => timers.due(query, page)),
    nextExpiry: (query: SlotQuery) => read('timers.nextExpiry', () => timers.nextExpiry(query)),
    list: (query: TimerQuery, page: PageOptions) => read('timers.list', () => timers.list(query, page)),
    toldOfAll: world.toldOfAll,
    onChange: (wake) => {
      let told: number | undefined
      const listening = timers.onChange?.((soonestMs = -Infinity) => {
        // Who is not told of all hears of some.
        if (!process.alive || (!world.toldOfAll && world.dice.chance(0.5))) return
        if (told !== undefined) return void (told = Math.min(told, soonestMs))
        told = soonestMs
        process.plan(world.dice.between(500, 20_000), 'wake', () => {
          wake(told)
          told = undefined
        })
      })
      process.onDeath(() => listening?.[Symbol.dispose]())
      return { [Symbol.dispose]: () => listening?.[Symbol.dispose]() }
    },
  }
}

function describeUnit(unit: Unit, process: SimProcess): string {
  const { oracle } = process.world
  const parts = [
    ...(unit.changes ?? []).map(
      ({ next, history }) => `${oracle.nameOf(next.runId)} by ${history.by} to v${next.version} ${next.runState} at ${next.status}`,
    ),
    ...(unit.append ?? []).map(({ runId, id }) => `callback ${id} for ${oracle.nameOf(runId)}`),
    ...(unit.consume ?? []).map(({ runId, through }) => `consume to ${through} of ${oracle.nameOf(runId)}`),
    ...(unit.timers ?? []).map((op) =>
      'put' in op
        ? `put ${op.put.key.kind} ${op.put.key.name} at ${op.put.at.toISOString().slice(11, 23)}`
        : 'settle' in op
          ? `settle ${op.settle.kind} ${op.settle.name}`
          : 'move' in op
            ? `move ${op.move.kind} ${op.move.name}`
            : Object.keys(op).join(),
    ),
    ...(unit.attempts ?? []).map(
      ({ runId, process: name, kind, attempt }) => `note ${kind} ${attempt} of '${name}' for ${oracle.nameOf(runId)}`,
    ),
    ...(unit.emit ?? []).map(({ kind, runId }) => `${kind} ${oracle.nameOf(runId)}`),
  ]
  return parts.join('; ')
}
