/** A batch of units as one call of the function `commit_1`, and what that answers. */
import type { Change, RunEvent, Unit } from '@workflow/core/adapter'
import { changeRows, type NumberedChange } from './change-rows.ts'
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
  /** How long it waits for a lock, e.g. `2s`; null: 20 ms. */
  readonly wait: string | null
  /** Where other processes hear of it; null: they are not told. */
  readonly channel: string | null
  /** The only unit of its batch, which is refused by an error. */
  readonly solo: boolean
  /** The oid of the type `change`. */
  readonly changeType: number
}

export const statement: string = 'SELECT {commit_1}($1, $2, $3, $4, $5, $6, $7, $8)'

/** One batch: made of units, turned into parameters, and able to read the answer. */
export class CommitStatement {
  readonly params: readonly unknown[]
  readonly #rows: readonly NumberedChange[]
  /** Of a batch of nothing but units of one change, how many are of runs that exist. Those come first. */
  readonly #moves: number | undefined
  readonly #emitted: readonly RunEvent[]
  readonly #emitUnits: readonly number[]

  constructor(writings: readonly Writing[], shapes: Shapes, options: BatchOptions) {
    const parts = new CommitParts(shapes)
    const rows: NumberedChange[] = []
    for (const [i, { unit }] of writings.entries()) for (const change of unit.changes ?? []) rows.push({ change, unit: i + 1 })
    // Rows are locked in the same order, whoever writes them: so nobody waits for each other.
    if (!options.solo) rows.sort(inOrder)
    for (const [i, { change, unit }] of rows.entries()) {
      const of = writings[unit - 1]?.unit
      if (change.ifEmpty !== undefined && of !== undefined) parts.addEmpty(of, unit, i + 1, change.next.runId, change.ifEmpty)
    }
    const emitUnits: number[] = []
    for (const [i, { unit, named }] of writings.entries()) {
      parts.add(unit, i + 1, named)
      for (const _ of unit.emit ?? []) emitUnits.push(i + 1)
    }
    const json = parts.json()
    const isPlain = json === null && rows.length === writings.length
    this.#rows = rows
    this.#moves = isPlain ? rows.filter(({ change }) => change.expect !== 'absent').length : undefined
    this.#emitted = parts.events
    this.#emitUnits = emitUnits
    const { origin, wait, channel, solo, changeType } = options
    const createsFirst = rows[0]?.change.expect === 'absent'
    this.params = [origin, wait, channel, solo, createsFirst, this.#moves ?? null, changeRows(rows, changeType, shapes), json]
  }

  /** Reads the answer of the function. */
  answer(text: string): BatchAnswer {
    return this.#moves === undefined ? this.#anyAnswer(text) : this.#plainAnswer(text, this.#moves)
  }

  /** The change that a refusal is about: its number, from 1. */
  changeAt(at: number): Change | undefined {
    return this.#rows[at - 1]?.change
  }

  #anyAnswer(text: string): BatchAnswer {
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
    const events: RunEvent[] = []
    for (const { change, unit } of this.#rows) if (!refused.has(unit - 1)) events.push(change.event)
    for (const [i, event] of this.#emitted.entries()) if (!refused.has((this.#emitUnits[i] ?? 0) - 1)) events.push(event)
    const batches = (bases === '' ? [] : bases.split(',')).map((base, i) =>
      batchAt(Number(base), events.slice(i * batchSize, (i + 1) * batchSize)),
    )
    return { refused, seqsOf, batches }
  }

  #plainAnswer(text: string, moves: number): BatchAnswer {
    const [movedBase = '0', madeBase = '0', written = ''] = text.split(';')
    const given = new Map(written === '' ? [] : written.split(',').map((pair) => pair.split(':') as [string, string]))
    const refused = new Map<number, string>()
    const seqsOf = new Map<number, readonly bigint[]>()
    const moved: RunEvent[] = []
    const made: RunEvent[] = []
    for (const [i, { change, unit }] of this.#rows.entries()) {
      const seq = given.get(String(i + 1))
      if (seq === undefined) {
        refused.set(unit - 1, `c${i + 1}`)
        continue
      }
      seqsOf.set(unit - 1, [BigInt(seq)])
      const events = i < moves ? moved : made
      events.push(change.event)
    }
    const batches = [batchAt(Number(movedBase), moved), batchAt(Number(madeBase), made)].filter(({ events }) => events.length > 0)
    return { refused, seqsOf, batches }
  }
}

/** First the runs that exist, then those that are created; each by their ids. */
function inOrder({ change: a }: NumberedChange, { change: b }: NumberedChange): number {
  const creates = Number(a.expect === 'absent') - Number(b.expect === 'absent')
  return creates === 0 ? (a.next.runId < b.next.runId ? -1 : 1) : creates
}

function batchAt(base: number, events: readonly RunEvent[]): WrittenBatch {
  return { number: base / batchSize, events }
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
