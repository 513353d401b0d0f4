import type { RunRecord } from '../model/run-record.ts'
import type { Clock } from '../ports/clock.ts'

/** An entry is trusted to run a handler from for this long. */
const executeMsMax = 1_000
/** Entries live between one and two generations, so at most this long. */
const generationMs = 2_500
const generationSizeMax = 16_384

/**
 * What this process has just committed, newest per run. It lets a step start from the commit before it, and an event
 * that the process has already acted on be skipped without a look-up.
 *
 * It is never the truth: only final commits enter; it is dropped whole when a connection is lost or a commit's outcome
 * is unknown; it forgets by itself within five seconds. Dropping it at any moment changes nothing but speed.
 */
export class HandOffCache {
  readonly #clock: Clock
  #young = new Map<string, Entry>()
  #old = new Map<string, Entry>()
  #turnAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  put(record: RunRecord): void {
    const now = this.#clock.monotonic()
    this.#age(now)
    this.#young.set(record.runId, { record, at: now })
  }

  /** The newest version known of a run, or 0: whatever is older has been superseded by a commit. */
  newestVersion(runId: string): number {
    return this.#find(runId)?.record.version ?? 0
  }

  /** The record, if it is at exactly this version and young enough to work from. */
  fresh(runId: string, version: number): RunRecord | undefined {
    const entry = this.#find(runId)
    return entry !== undefined && entry.record.version === version && this.#clock.monotonic() - entry.at < executeMsMax
      ? entry.record
      : undefined
  }

  /** Something beside the version has changed: the next look must go to the store. */
  forget(runId: string): void {
    this.#young.delete(runId)
    this.#old.delete(runId)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  #find(runId: string): Entry | undefined {
    this.#age(this.#clock.monotonic())
    return this.#young.get(runId) ?? this.#old.get(runId)
  }

  #age(now: number): void {
    if (now < this.#turnAt && this.#young.size < generationSizeMax) return
    // Nothing was asked for so long that even the young are too old.
    this.#old = now - this.#turnAt > generationMs ? new Map() : this.#young
    this.#young = new Map()
    this.#turnAt = now + generationMs
  }
}

interface Entry {
  readonly record: RunRecord
  readonly at: number
}
