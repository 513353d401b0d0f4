import { soonestOf, timerId, type StoredTimer, type Timer, type TimerKey, type TimerOp } from '../model/timer.ts'
import { OrderedRows, type OrderedRow } from './ordered-rows.ts'
import { copyPayload } from './payload-copy.ts'
import { SortedList } from './sorted-list.ts'

/** A timer as the table keeps it. */
export interface TimerRow extends OrderedRow {
  timer: StoredTimer
  atMs: number
}

interface OwnerTimers {
  /** By id, settled ones included: a key is never opened twice. */
  readonly rows: Map<string, TimerRow>
  readonly open: Set<TimerRow>
}

/** By time, then in the order of their `put`. */
export type DueKey = Pick<TimerRow, 'atMs' | 'order'>

/** Every timer of a database. */
export class TimerTable {
  readonly all: OrderedRows<TimerRow> = new OrderedRows()
  readonly listeners: Set<(soonestMs: number) => void> = new Set()
  readonly #owners = new Map<string, OwnerTimers>()
  /** Open and not held, per workflow and slot. */
  readonly #pending = new Map<string, SortedList<DueKey, TimerRow>[]>()
  #orders = 0

  /** Applies operations in order. */
  apply(ops: readonly TimerOp[]): void {
    for (const op of ops) this.#applyOne(op)
    const soonestMs = soonestOf(ops)
    if (soonestMs < Infinity) for (const listener of this.listeners) listener(soonestMs)
  }

  /** The rows of an owner, by the order of their `put`. */
  ofOwner(owner: string): readonly TimerRow[] {
    return [...(this.#owners.get(owner)?.rows.values() ?? [])]
  }

  /** What can be due of a slot, by time; undefined when there never was anything. */
  pending(workflowName: string, slot: number): SortedList<DueKey, TimerRow> | undefined {
    return this.#pending.get(workflowName)?.[slot]
  }

  /** Gives a timer another payload and leaves the rest of it. */
  replaceData(row: TimerRow, data: Timer['data']): void {
    if (data !== undefined) row.timer = { ...row.timer, data: copyPayload(data) }
  }

  /** Deletes all timers of an owner. */
  removeOwner(owner: string): void {
    const timers = this.#owners.get(owner)
    if (timers === undefined) return
    this.#owners.delete(owner)
    for (const row of timers.rows.values()) {
      this.#withdraw(row)
      row.gone = true
      this.all.noteGone()
    }
  }

  #applyOne(op: TimerOp): void {
    if ('put' in op) this.#put(op.put)
    else if ('settle' in op) this.#settle(this.#find(op.settle), op.as)
    else if ('move' in op) this.#move(op)
    else if ('hold' in op) this.#hold(op.hold, true)
    else if ('release' in op) this.#hold(op.release, false)
    else for (const row of this.#owners.get(op.cancelOwner)?.open ?? []) this.#settle(row, 'cancelled')
  }

  #put(timer: Timer): void {
    const { key } = timer
    let owner = this.#owners.get(key.owner)
    if (owner === undefined) {
      owner = { rows: new Map(), open: new Set() }
      this.#owners.set(key.owner, owner)
    }
    const id = timerId(key)
    if (owner.rows.has(id)) return
    const data = timer.data === undefined ? {} : { data: copyPayload(timer.data) }
    const row: TimerRow = { order: ++this.#orders, gone: false, atMs: timer.at.getTime(), timer: { ...timer, ...data, status: 'open' } }
    owner.rows.set(id, row)
    owner.open.add(row)
    this.all.add(row)
    this.#offer(row)
  }

  #find(key: TimerKey): TimerRow | undefined {
    return this.#owners.get(key.owner)?.rows.get(timerId(key))
  }

  #settle(row: TimerRow | undefined, status: 'completed' | 'cancelled'): void {
    if (row?.timer.status !== 'open') return
    this.#withdraw(row)
    row.timer = { ...row.timer, status }
    this.#owners.get(row.timer.key.owner)?.open.delete(row)
  }

  #move(op: Extract<TimerOp, { readonly move: TimerKey }>): void {
    const row = this.#find(op.move)
    if (row?.timer.status !== 'open') return
    this.#withdraw(row)
    row.timer = { ...row.timer, at: op.at, attempt: op.attempt, ...(op.data === undefined ? {} : { data: copyPayload(op.data) }) }
    row.atMs = op.at.getTime()
    this.#offer(row)
  }

  #hold(owner: string, held: boolean): void {
    for (const row of this.#owners.get(owner)?.open ?? []) {
      if (row.timer.held === held) continue
      this.#withdraw(row)
      row.timer = { ...row.timer, held }
      this.#offer(row)
    }
  }

  #offer(row: TimerRow): void {
    const { workflowName, slot, held } = row.timer
    if (held) return
    let slots = this.#pending.get(workflowName)
    if (slots === undefined) {
      slots = []
      this.#pending.set(workflowName, slots)
    }
    while (slots.length <= slot) slots.push(new SortedList<DueKey, TimerRow>(compareDue))
    slots[slot]?.add(row)
  }

  #withdraw(row: TimerRow): void {
    if (row.timer.status === 'open' && !row.timer.held) this.pending(row.timer.workflowName, row.timer.slot)?.remove(row)
  }
}

/** The order in which timers are due. */
export function compareDue(a: DueKey, b: DueKey): number {
  return a.atMs - b.atMs || a.order - b.order
}
