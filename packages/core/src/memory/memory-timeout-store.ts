import { assertTimerOps } from '../adapter/assert-timer-ops.ts'
import { assertPageLimit, decodePageToken, encodePageToken } from '../adapter/page-token.ts'
import { InvalidArgument, Stopped } from '../errors.ts'
import type { Page, PageOptions } from '../model/run-query.ts'
import type { StoredTimer, Timer } from '../model/timer.ts'
import type { DueQuery, TimeoutStore, TimerQuery } from '../ports/timeout-store.ts'
import { memoryDatabase, type MemoryDatabase } from './memory-database.ts'
import { pageOfRows } from './ordered-rows.ts'
import { compareDue, type DueKey, type TimerRow, type TimerTable } from './timer-table.ts'

/** Options of `memoryTimeoutStore`. */
export interface MemoryTimeoutStoreOptions {
  /** Share it to see the same timers from several stores. @default a new, empty one */
  readonly database?: MemoryDatabase
}

/** A timeout store on its own; `memoryRecordStore` brings one that commits together with its runs. */
export function memoryTimeoutStore(options: MemoryTimeoutStoreOptions = {}): TimeoutStore {
  return timersOf(options.database ?? memoryDatabase(), () => undefined)
}

/** The timers of a database, as long as `assertOpen` does not throw. */
export function timersOf(database: MemoryDatabase, assertOpen: () => void): TimeoutStore {
  const table = database.timers
  return {
    apply: async (ops) => {
      assertOpen()
      assertTimerOps(ops)
      table.apply(ops)
    },
    due: async (query, page) => {
      assertOpen()
      return due(table, query, page)
    },
    nextExpiry: async ({ workflowName, slots }) => {
      assertOpen()
      let earliestMs = Number.POSITIVE_INFINITY
      for (const slot of slots) earliestMs = Math.min(earliestMs, table.pending(workflowName, slot)?.first?.atMs ?? earliestMs)
      return Number.isFinite(earliestMs) ? new Date(earliestMs) : undefined
    },
    list: async (query, page) => {
      assertOpen()
      return list(table, query, page)
    },
    toldOfAll: true,
    onChange: (wake) => {
      table.listeners.add(wake)
      return { [Symbol.dispose]: () => table.listeners.delete(wake) }
    },
  }
}

function due(table: TimerTable, { workflowName, slots, before }: DueQuery, page: PageOptions): Page<Timer> {
  assertPageLimit(page)
  const beforeMs = before.getTime()
  if (Number.isNaN(beforeMs)) throw new InvalidArgument('due: before must be a valid Date')
  const token = decodePageToken('due timers', page.after, ['number', 'number'])
  const after: DueKey | undefined = token === undefined ? undefined : { atMs: token[0], order: token[1] }
  const items: Timer[] = []
  let last: TimerRow | undefined
  for (const row of inOrder([...new Set(slots)].flatMap((slot) => table.pending(workflowName, slot)?.after(after) ?? []))) {
    if (row.atMs > beforeMs) break
    if (last !== undefined && items.length === page.limit) return { items, next: encodePageToken('due timers', [last.atMs, last.order]) }
    items.push(openTimer(row))
    last = row
  }
  return { items }
}

/** Merges lists that are each in the order in which timers are due. */
function* inOrder(lists: readonly Iterator<TimerRow, void>[]): Generator<TimerRow, void> {
  const heads = lists.map((list) => ({ list, next: list.next() }))
  for (;;) {
    let first: { readonly list: Iterator<TimerRow, void>; next: IteratorResult<TimerRow, void> } | undefined
    let row: TimerRow | undefined
    for (const head of heads) {
      if (head.next.done !== true && (row === undefined || compareDue(head.next.value, row) < 0)) {
        first = head
        row = head.next.value
      }
    }
    if (first === undefined || row === undefined) return
    yield row
    first.next = first.list.next()
  }
}

function openTimer({ timer }: TimerRow): Timer {
  const { status: _open, ...plain } = timer
  return plain
}

function list(table: TimerTable, { workflowName, owner, status }: TimerQuery, page: PageOptions): Page<StoredTimer> {
  assertPageLimit(page)
  const [after] = decodePageToken('timers', page.after, ['number']) ?? []
  const rows = owner === undefined ? table.all.rows : table.ofOwner(owner)
  const { items, next } = pageOfRows(
    rows,
    after,
    page.limit,
    false,
    ({ timer }) =>
      (workflowName === undefined || timer.workflowName === workflowName) &&
      (status === undefined || (timer.status === 'open') === (status === 'open')),
  )
  return { items: items.map((row) => row.timer), ...(next === undefined ? {} : { next: encodePageToken('timers', [next]) }) }
}

/** What a closed store throws. */
export function closedError(): Stopped {
  return new Stopped('this memory store has been closed; open a new one')
}
