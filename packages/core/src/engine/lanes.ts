import { Wake } from './waiting.ts'

/** Something to do in a lane. */
export interface LaneTask {
  /** A run id, or whatever must stay in order. */
  readonly lane: string
  readonly slot: number
  /** Called once the task is over, however it ended. */
  readonly end?: () => void
}

export interface Lane<T extends LaneTask> {
  readonly id: string
  readonly slot: number
  /** Waiting behind the task in hand. */
  readonly queue: T[]
  /** Set when a task joins the queue: ends a back-off early. */
  readonly wake: Wake
  /** How long the task in hand has waited in place after failures, in milliseconds. */
  waitedMs: number
  /** How many tasks were in the queue when the run was last looked at: those need not end a back-off any more. */
  seen: number
}

/**
 * A window of work in hand: one lane per run, strictly in order within a lane, all lanes side by side. The window is the
 * only memory of what has been taken from a stream and not finished, and it is bounded.
 */
export class Lanes<T extends LaneTask> {
  readonly limit: number
  readonly #lanes = new Map<string, Lane<T>>()
  readonly #work: (task: T, lane: Lane<T>) => Promise<void>
  readonly #fault: (error: unknown, task: T) => void
  readonly #room = new Wake()
  readonly #idle = new Set<() => void>()
  #size = 0
  /** Lanes that wait out a back-off. */
  parked = 0

  constructor(limit: number, work: (task: T, lane: Lane<T>) => Promise<void>, fault: (error: unknown, task: T) => void = () => undefined) {
    this.limit = limit
    this.#work = work
    this.#fault = fault
  }

  /** Tasks in hand, waiting ones included. */
  get size(): number {
    return this.#size
  }

  /** Set whenever a task is done. */
  get room(): Wake {
    return this.#room
  }

  lane(id: string): Lane<T> | undefined {
    return this.#lanes.get(id)
  }

  offer(task: T): void {
    this.#size += 1
    const lane = this.#lanes.get(task.lane)
    if (lane !== undefined) {
      lane.queue.push(task)
      lane.wake.set()
      return
    }
    const fresh: Lane<T> = { id: task.lane, slot: task.slot, queue: [], wake: new Wake(), waitedMs: 0, seen: 0 }
    this.#lanes.set(task.lane, fresh)
    void this.#drain(fresh, task)
  }

  /** Forgets what waits in a slot's lanes, or in all; what is in hand goes on. */
  drop(slot?: number): void {
    for (const lane of this.#lanes.values()) {
      if (slot !== undefined && lane.slot !== slot) continue
      this.#size -= lane.queue.length
      for (const task of lane.queue.splice(0)) task.end?.()
      lane.wake.set()
    }
  }

  /** Resolves once no lane of the slot, or no lane at all, is left. */
  async idle(slot?: number): Promise<void> {
    while (this.#busy(slot)) {
      await new Promise<void>((resolve) => {
        this.#idle.add(resolve)
      })
    }
  }

  #busy(slot: number | undefined): boolean {
    if (slot === undefined) return this.#lanes.size > 0
    for (const lane of this.#lanes.values()) if (lane.slot === slot) return true
    return false
  }

  async #drain(lane: Lane<T>, first: T): Promise<void> {
    let task: T | undefined = first
    while (task !== undefined) {
      try {
        await this.#work(task, lane)
      } catch (error) {
        // Whoever works must not throw; if it does, the lane and its place are not lost with it.
        this.#fault(error, task)
      }
      this.#size -= 1
      this.#room.set()
      task.end?.()
      task = lane.queue.shift()
    }
    this.#lanes.delete(lane.id)
    if (this.#idle.size > 0) {
      for (const resolve of this.#idle) resolve()
      this.#idle.clear()
    }
  }
}
