import type { RunEvent } from '../model/run-event.ts'
import type { TimerOp } from '../model/timer.ts'
import type { Change, CommitResult, Unit } from '../model/unit.ts'
import type { MemoryDatabase } from './memory-database.ts'
import type { RunView } from './run-table.ts'
import { StoredRun } from './stored-run.ts'
import { applyUnit } from './unit-application.ts'
import { refusalOf, replayedAnswer } from './unit-decision.ts'

/**
 * The units of an open transaction. Each is decided at once, against what is stored and what the transaction has
 * written before it; nothing of it is seen elsewhere until `write`. What it touches is locked meanwhile: other units
 * on the same run or foreign id are answered `busy`, so that `write` cannot fail.
 */
export class StagedUnits implements RunView {
  readonly #database: MemoryDatabase
  /** What this transaction has made of runs; the key is the run id. */
  readonly #runs = new Map<string, StoredRun>()
  readonly #locks = new Set<string>()
  readonly #units: Unit[] = []
  readonly #timers: TimerOp[][] = []
  readonly #events: RunEvent[] = []

  constructor(database: MemoryDatabase) {
    this.#database = database
  }

  /** Answers as `commit` does, with `final: false`. */
  add(unit: Unit): CommitResult {
    const locks = locksOf(unit)
    if (this.#database.isLocked(locks, this.#locks)) return { ok: false, reason: 'busy' }
    const refusal = this.#database.knowsUnit(unit) ? 'replayed' : refusalOf(unit, this)
    if (refusal === 'replayed') return replayedAnswer(unit, this, false)
    if (refusal !== undefined) return refusal
    for (const lock of locks) {
      this.#locks.add(lock)
      this.#database.locks.add(lock)
    }
    const seqs = applyUnit(unit, this, { timers: (ops) => this.#timers.push([...ops]), event: (event) => this.#events.push(event) })
    this.#units.push(unit)
    return { ok: true, replayed: false, final: false, seqs }
  }

  /** Writes everything, all at once. */
  write(nowMs: number): void {
    for (const run of this.#runs.values()) {
      const stored = this.#database.runs.find(run.runId)
      if (stored === undefined) this.#database.runs.insert(run)
      else this.#database.runs.replace(stored, run)
    }
    for (const ops of this.#timers) this.#database.timers.apply(ops)
    for (const event of this.#events) this.#database.publish(event, nowMs)
    for (const unit of this.#units) this.#database.noteUnit(unit)
  }

  /** Gives up the locks, whether or not anything was written. */
  unlock(): void {
    for (const lock of this.#locks) this.#database.locks.delete(lock)
    this.#locks.clear()
  }

  find(runId: string): StoredRun | undefined {
    return this.#runs.get(runId) ?? this.#database.runs.find(runId)
  }

  edit(runId: string): StoredRun | undefined {
    const staged = this.#runs.get(runId)
    if (staged !== undefined) return staged
    const copy = this.#database.runs.find(runId)?.copy()
    if (copy !== undefined) this.#runs.set(runId, copy)
    return copy
  }

  unfinishedOf(workflowName: string, foreignId: string): StoredRun | undefined {
    for (const run of this.#runs.values()) {
      if (!run.finished && run.bare.workflowName === workflowName && run.bare.foreignId === foreignId) return run
    }
    const stored = this.#database.runs.unfinishedOf(workflowName, foreignId)
    return stored !== undefined && this.#runs.has(stored.runId) ? undefined : stored
  }

  create(change: Change): StoredRun {
    const run = StoredRun.created(this.#database.runs.nextOrder(), change)
    this.#runs.set(run.runId, run)
    return run
  }

  move(run: StoredRun, change: Change): void {
    run.move(change)
  }
}

/** What a unit must have for itself: its runs, and the foreign ids that it takes or gives up. */
export function locksOf(unit: Unit): readonly string[] {
  const locks: string[] = []
  for (const { next } of unit.changes ?? []) locks.push(`run ${next.runId}`, `foreign id ${next.workflowName}\0${next.foreignId}`)
  for (const { runId } of unit.append ?? []) locks.push(`run ${runId}`)
  for (const { runId } of unit.consume ?? []) locks.push(`run ${runId}`)
  for (const { runId } of unit.attempts ?? []) locks.push(`run ${runId}`)
  return locks
}
