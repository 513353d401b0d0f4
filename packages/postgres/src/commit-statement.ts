/** A batch of units as one call of the function `commit_1`, and what that answers. */
import type { Change, RunEvent, Unit } from '@workflow/core/adapter'
import { ChangeColumns, columnCount } from './change-columns.ts'
import { CommitParts } from './commit-parts.ts'
import type { Shapes } from './shapes.ts'

/** What is written: a unit, or timer operations without one. */
export interface Writing {
  readonly unit: Unit
  /** False for timer operations that are no unit: nothing remembers them. */
  readonly named: boolean
}

/** How a batch is written. */
export interface BatchOptions {
  /** The number by which this process knows its own events; 0 for those that it must read like everybody else's. */
  readonly origin: number
  /** How long it waits for a lock, e.g. `20ms`. */
  readonly wait: string
  /** Where other processes hear of it; null: they are not told. */
  readonly channel: string | null
  /** The only unit of its batch, which is refused by an error. */
  readonly solo: boolean
}

interface Row {
  readonly change: Change
  /** Number of the unit, from 1. */
  readonly unit: number
}

export const statement: string = `SELECT {commit_1}(${Array.from({ length: 41 }, (_, i) => `$${i + 1}`).join(', ')})`

/** One batch: made of units, turned into parameters, and able to read the answer. */
export class CommitStatement {
  readonly params: readonly unknown[]
  readonly #rows: readonly Row[]
  readonly #emitted: readonly RunEvent[]
  readonly #emitUnits: readonly number[]

  constructor(writings: readonly Writing[], shapes: Shapes, options: BatchOptions) {
    const parts = new CommitParts(shapes)
    const rows: Row[] = []
    for (const [i, { unit }] of writings.entries()) for (const change of unit.changes ?? []) rows.push({ change, unit: i + 1 })
    // Rows are locked in the order of their ids, whoever writes them: so nobody waits for each other.
    if (!options.solo) rows.sort((a, b) => (a.change.next.runId < b.change.next.runId ? -1 : 1))
    for (const [i, { change, unit }] of rows.entries()) {
      const of = writings[unit - 1]?.unit
      if (change.ifEmpty !== undefined && of !== undefined) parts.addEmpty(of, unit, i + 1, change.next.runId, change.ifEmpty)
    }
    const emitUnits: number[] = []
    for (const [i, { unit, named }] of writings.entries()) {
      parts.add(unit, i + 1, named)
      for (const _ of unit.emit ?? []) emitUnits.push(i + 1)
    }
    this.#rows = rows
    this.#emitted = parts.events
    this.#emitUnits = emitUnits
    const createsFirst = rows[0]?.change.expect === 'absent'
    const columns = rows.length === 0 ? noChanges : columnsOf(rows, shapes)
    this.params = [options.origin, options.wait, options.channel, options.solo, createsFirst, ...columns, parts.json()]
  }

  /** Reads the answer of the function. */
  answer(text: string): BatchAnswer {
    const [bases = '', failed = '', why = '', seqs = ''] = text.split(';')
    const reasons = why.split(',')
    const refused = new Map(failed === '' ? [] : failed.split(',').map((unit, i) => [Number(unit) - 1, reasons[i] ?? '']))
    const given = seqs === '' ? [] : seqs.split(',')
    const seqsOf = new Map<number, bigint[]>()
    for (const [i, { unit }] of this.#rows.entries()) {
      const list = seqsOf.get(unit - 1)
      const seq = BigInt(given[i] ?? '0')
      if (list === undefined) seqsOf.set(unit - 1, [seq])
      else list.push(seq)
    }
    return { refused, seqsOf, batches: this.#batches(bases === '' ? [] : bases.split(',').map(Number), refused) }
  }

  /** The change that a refusal is about: its number, from 1. */
  changeAt(at: number): Change | undefined {
    return this.#rows[at - 1]?.change
  }

  #batches(bases: readonly number[], refused: ReadonlyMap<number, string>): readonly WrittenBatch[] {
    const events: RunEvent[] = []
    for (const { change, unit } of this.#rows) if (!refused.has(unit - 1)) events.push(change.event)
    for (const [i, event] of this.#emitted.entries()) if (!refused.has((this.#emitUnits[i] ?? 0) - 1)) events.push(event)
    return bases.map((base, i) => ({ number: base / batchSize, events: events.slice(i * batchSize, (i + 1) * batchSize) }))
  }
}

/** How many ids a batch of events has. */
export const batchSize = 4_096

/** A batch of events as it is stored: the id of the n-th is `number * batchSize + n`. */
export interface WrittenBatch {
  readonly number: number
  readonly events: readonly RunEvent[]
}

/** What became of a batch of units, which are numbered from 0 here. */
export interface BatchAnswer {
  /** Why a unit was not written: `r` known already, `c<n>` its change n, `f<n>` and `a<n>` its n-th append. */
  readonly refused: ReadonlyMap<number, string>
  readonly seqsOf: ReadonlyMap<number, readonly bigint[]>
  readonly batches: readonly WrittenBatch[]
}

const noChanges: readonly null[] = Array.from({ length: columnCount }, () => null)

function columnsOf(rows: readonly Row[], shapes: Shapes): readonly (Buffer | null)[] {
  const bytes = rows.reduce((sum, { change }) => sum + change.next.object.bytes.byteLength, 0)
  const columns = new ChangeColumns(shapes, rows.length, bytes)
  for (const { change, unit } of rows) columns.add(change, unit)
  return columns.end()
}
