/**
 * What waits to be written, in an order that keeps every promise: of two units that touch the same run, or the same
 * owner of timers, the second leaves only after the first was answered. So whatever is ready may go into one batch, in
 * any order, and batches may be on the wire side by side.
 */
import { Fifo, type Unit } from '@workflow/core/adapter'
import { ownerOf } from './commit-parts.ts'

/** A thing with keys that it must not share with another one on its way. */
export interface Queued {
  readonly keys: readonly string[]
}

interface Place<T> {
  readonly item: T
  /** How many earlier ones must be answered first. */
  blockers: number
  /** Those that wait for this one. */
  readonly followers: Place<T>[]
}

export class CommitQueue<T extends Queued> {
  readonly #ready = new Fifo<Place<T>>()
  /** The last one of each key that has not been answered. */
  readonly #last = new Map<string, Place<T>>()
  readonly #places = new Map<T, Place<T>>()

  /** How many could leave now. */
  get ready(): number {
    return this.#ready.length
  }

  /** How many have not been answered. */
  get size(): number {
    return this.#places.size
  }

  /** Adds one at the end. */
  add(item: T): void {
    const place: Place<T> = { item, blockers: 0, followers: [] }
    this.#places.set(item, place)
    const before = new Set<Place<T>>()
    for (const key of item.keys) {
      const last = this.#last.get(key)
      if (last !== undefined && last !== place) before.add(last)
      this.#last.set(key, place)
    }
    for (const other of before) other.followers.push(place)
    place.blockers = before.size
    if (place.blockers === 0) this.#ready.push(place)
  }

  /** Looks at the next that may leave; undefined when there is none. */
  peek(): T | undefined {
    return this.#ready.peek()?.item
  }

  /** Takes the next that may leave. It blocks the ones behind it until it is `done`. */
  take(): T | undefined {
    return this.#ready.shift()?.item
  }

  /** One that was taken has been answered. */
  done(item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    for (const key of item.keys) if (this.#last.get(key) === place) this.#last.delete(key)
    for (const follower of place.followers) {
      follower.blockers--
      if (follower.blockers === 0) this.#ready.push(follower)
    }
  }

  /** Takes everything out, whether it could leave or not. */
  clear(): T[] {
    const items = [...this.#places.keys()]
    this.#places.clear()
    this.#last.clear()
    while (this.#ready.shift() !== undefined);
    return items
  }
}

/** What a unit touches: runs, owners of timers, and the foreign ids that it takes. */
export function keysOf(unit: Unit): readonly string[] {
  const keys = new Set<string>()
  for (const { expect, next } of unit.changes ?? []) {
    keys.add(next.runId)
    if (expect === 'absent') keys.add(`${next.workflowName}\0${next.foreignId}`)
  }
  for (const { runId } of unit.append ?? []) keys.add(runId)
  for (const { runId } of unit.consume ?? []) keys.add(runId)
  for (const { runId } of unit.attempts ?? []) keys.add(runId)
  for (const { runId } of unit.emit ?? []) keys.add(runId)
  for (const op of unit.timers ?? []) keys.add(ownerOf(op))
  return [...keys]
}
