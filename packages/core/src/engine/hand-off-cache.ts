import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
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
  /** Grows when everything is dropped. */
  #epoch = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Takes a record whose commit was sent at `sentAt` on the monotonic clock, and was answered. The answer may have been long
   * on its way: what is known of the run since, and what was forgotten since, counts for more.
   */
  put(record: RunRecord, sentAt: number): void {
    const now = this.#clock.monotonic()
    this.#age(now)
    if ((this.#entry(record.runId)?.version ?? 0) >= record.version) return
    // Nobody works from a run that is finished: its version is enough.
    const kept = isFinished(record.runState) ? undefined : record
    this.#young.set(record.runId, { version: record.version, record: kept, trusted: true, at: sentAt, epoch: this.#epoch })
  }

  /** The newest version known of a run, or 0: whatever is older has been superseded by a commit. */
  newestVersion(runId: string): number {
    const entry = this.#find(runId)
    return entry !== undefined && entry.trusted && entry.epoch === this.#epoch ? entry.version : 0
  }

  /**
   * The record, if it is at exactly this version, young enough to work from, and its commit was sent after `since`: what was
   * sent before the run's slot came here says nothing of attempts that others have noted beside the version.
   */
  fresh(runId: string, version: number, since: number = -Infinity): RunRecord | undefined {
    const entry = this.#find(runId)
    return entry !== undefined &&
      entry.version === version &&
      entry.at > since &&
      entry.epoch === this.#epoch &&
      this.#clock.monotonic() - entry.at < executeMsMax
      ? entry.record
      : undefined
  }

  /**
   * The newest that is known of a run, if its commit was sent after `since`, and no longer ago than it is worked from. Nobody
   * may have moved the run meanwhile but those whose moves the asker hears of from `since` on.
   */
  newest(runId: string, since: number): RunRecord | undefined {
    const entry = this.#find(runId)
    return entry === undefined ? undefined : this.fresh(runId, entry.version, since)
  }

  /** A run has got to this version, by whomever: an older record says nothing any more. */
  moved(runId: string, version: number): void {
    const entry = this.#find(runId)
    if (entry !== undefined && entry.version < version) this.forget({ runId, version })
  }

  /**
   * Whether a record whose commit was sent at `sentAt`, and has just been answered, must not be worked from: the run was looked
   * at, or moved, since then, or may have been, so long ago that it is forgotten here.
   */
  isOutdated(record: RunRecord, sentAt: number): boolean {
    const entry = this.#find(record.runId)
    if (this.#clock.monotonic() - sentAt >= executeMsMax) return true
    return entry !== undefined && entry.version >= record.version && entry.record !== record
  }

  /**
   * Something beside the version has changed, or the version itself: the next look must go to the store. The version stays
   * known, so that the answer to its own commit, coming late, is not worked from.
   */
  forget({ runId, version }: Pick<RunRecord, 'runId' | 'version'>): void {
    const newest = Math.max(version, this.#find(runId)?.version ?? 0)
    this.#old.delete(runId)
    this.#young.set(runId, { version: newest, record: undefined, trusted: false, at: this.#clock.monotonic(), epoch: this.#epoch })
  }

  clear(): void {
    this.#epoch += 1
  }

  #find(runId: string): Entry | undefined {
    this.#age(this.#clock.monotonic())
    return this.#entry(runId)
  }

  #entry(runId: string): Entry | undefined {
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
  /** The newest version that the run is known to have had. */
  readonly version: number
  /** Absent: forgotten, or finished. */
  readonly record: RunRecord | undefined
  /** Whether older versions are known to be superseded; false once it was forgotten. */
  readonly trusted: boolean
  /** When its commit was sent, or when it was forgotten. */
  readonly at: number
  /** When it was put: what was dropped since is not worked from. */
  readonly epoch: number
}
