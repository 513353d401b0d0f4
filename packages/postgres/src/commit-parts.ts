/** What a unit does beside its changes, as the JSON that the function `commit_1` reads. */
import type { Payload, RunEvent, TimerKey, TimerOp, Unit } from '@workflow/core/adapter'
import { codecText, notesText } from '@workflow/sql'
import type { Shapes } from './shapes.ts'
import { textKey } from './text-key.ts'

type Row = Readonly<Record<string, unknown>>
type RoundKind = 'put' | 'settle' | 'move' | 'cancelOwner' | 'hold' | 'release'

/** The parts of a batch. Each row names its unit by number, from 1. */
export class CommitParts {
  readonly #shapes: Shapes
  readonly #lists: Record<'units' | 'empty' | 'append' | 'consume' | 'notes' | 'emit', Row[]> = {
    units: [],
    empty: [],
    append: [],
    consume: [],
    notes: [],
    emit: [],
  }
  /** Timer operations by their turn within a unit: those of one round cannot see each other. */
  readonly #rounds: Map<RoundKind, Row[]>[] = []
  readonly events: RunEvent[] = []
  #any = false

  constructor(shapes: Shapes) {
    this.#shapes = shapes
  }

  /** Adds what a unit does beside its changes. `named` is false for what is no unit of a caller, and has no id to be known by. */
  add(unit: Unit, number: number, named: boolean): void {
    if (named && (unit.changes?.length ?? 0) === 0) this.#push('units', unitRow(unit, number))
    for (const [at, append] of (unit.append ?? []).entries()) {
      const { runId, stream, id, body, ifUnfinished, ifVersion } = append
      const row = { key: textKey(runId, stream, id), run: runId, stream, id, unfinished: ifUnfinished, version: ifVersion ?? null }
      this.#push('append', { unit: number, at, ...row, codec: codecText(body), body: base64(body) })
    }
    for (const { runId, stream, through } of unit.consume ?? []) this.#push('consume', { unit: number, run: runId, stream, through })
    this.#addTimers(unit.timers ?? [], number)
    this.#addNotes(unit, number)
    for (const event of unit.emit ?? []) {
      this.events.push(event)
      const { runId, version, slot, at, foreignId, traceparent } = event
      const row = { shape: this.#shapes.idOf(event), version, slot, at: at.getTime(), run: runId, foreign_id: foreignId }
      this.#push('emit', { unit: number, ...row, traceparent: traceparent ?? null })
    }
  }

  /** Adds the condition of a change that a stream of its run's inbox is empty. `at` is the number of the change, from 1. */
  addEmpty(unit: Unit, number: number, at: number, runId: string, stream: string): void {
    const own = (unit.consume ?? []).filter((consume) => consume.runId === runId && consume.stream === stream)
    const through = own.reduce((highest, consume) => Math.max(highest, consume.through), 0)
    this.#push('empty', { unit: number, at, run: runId, stream, through })
  }

  /** The JSON; null where no unit has parts. */
  json(): string | null {
    if (!this.#any) return null
    const filled = Object.entries(this.#lists).filter(([, rows]) => rows.length > 0)
    const timers = this.#rounds.flatMap((round) => [...round].map(([kind, rows]) => ({ kind, rows })))
    return JSON.stringify({ ...Object.fromEntries(filled), ...(timers.length === 0 ? {} : { timers }), emit: this.#lists.emit })
  }

  #push(list: 'units' | 'empty' | 'append' | 'consume' | 'notes' | 'emit', row: Row): void {
    this.#lists[list].push(row)
    this.#any = true
  }

  #addTimers(ops: readonly TimerOp[], number: number): void {
    let round = -1
    let last: RoundKind | undefined
    for (const op of ops) {
      const [kind, row] = timerRow(op)
      // Operations of one kind cannot get in each other's way, but for two moves of one timer.
      if (kind !== last || kind === 'move') round++
      last = kind
      const kinds = (this.#rounds[round] ??= new Map<RoundKind, Row[]>())
      const rows = kinds.get(kind)
      if (rows === undefined) kinds.set(kind, [{ unit: number, ...row }])
      else rows.push({ unit: number, ...row })
      this.#any = true
    }
  }

  #addNotes({ attempts = [] }: Unit, number: number): void {
    const byVersion = new Map<string, (typeof attempts)[number][]>()
    for (const note of attempts) {
      const key = `${note.version} ${note.runId}`
      byVersion.set(key, [...(byVersion.get(key) ?? []), note])
    }
    for (const notes of byVersion.values()) {
      const [first] = notes
      if (first !== undefined)
        this.#push('notes', { unit: number, run: first.runId, version: first.version, notes: JSON.parse(notesText(notes)) })
    }
  }
}

/** The run that a unit without changes is remembered with: purging it forgets the unit, too. */
function unitRow(unit: Unit, number: number): Row {
  const [timer] = unit.timers ?? []
  const owner =
    unit.append?.[0]?.runId ??
    unit.consume?.[0]?.runId ??
    unit.attempts?.[0]?.runId ??
    unit.emit?.[0]?.runId ??
    (timer === undefined ? '' : ownerOf(timer))
  return { unit: number, key: textKey(owner, unit.id), owner }
}

/** Whose timers an operation is about. */
export function ownerOf(op: TimerOp): string {
  if ('put' in op) return op.put.key.owner
  if ('settle' in op) return op.settle.owner
  if ('move' in op) return op.move.owner
  if ('hold' in op) return op.hold
  return 'release' in op ? op.release : op.cancelOwner
}

function timerRow(op: TimerOp): readonly [RoundKind, Row] {
  if ('put' in op) {
    const { key, workflowName, slot, at, held, attempt, data } = op.put
    const { owner, kind, epoch, name } = key
    const row = { key: timerKey(key), owner_key: textKey(owner), owner, kind, epoch, name, workflow: workflowName, slot, held, attempt }
    return ['put', { ...row, at: at.getTime(), ...dataRow(data) }]
  }
  if ('settle' in op) return ['settle', { key: timerKey(op.settle), status: op.as }]
  if ('move' in op) return ['move', { key: timerKey(op.move), at: op.at.getTime(), attempt: op.attempt, ...dataRow(op.data) }]
  if ('hold' in op) return ['hold', { owner_key: textKey(op.hold) }]
  if ('release' in op) return ['release', { owner_key: textKey(op.release) }]
  return ['cancelOwner', { owner_key: textKey(op.cancelOwner) }]
}

function timerKey({ kind, owner, epoch, name }: TimerKey): string {
  return textKey(kind, owner, String(epoch), name)
}

function dataRow(data: Payload | undefined): Row {
  return data === undefined ? {} : { codec: codecText(data), data: base64(data) }
}

function base64({ bytes }: Payload): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
