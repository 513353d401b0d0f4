import { Wake } from './waiting.ts'

/** Something to do in a lane. */
export interface LaneTask {
  /** A run id, or whatever must stay in order. */
  readonly lane: string
  readonly slot: number
  /** Called once the task is over, however it ended. */
  readonly end?: () => void
}

/** What is in hand of one run, or of whatever must stay in order. */
export class Lane<T extends LaneTask> {
  readonly id: string
  readonly slot: number
  /** How long the task in hand has waited in place after failures, in milliseconds. */
  waitedMs = 0
  /** How many tasks were in the queue when the run was last looked at: those need not end a back-off any more. */
  seen = 0
  // Most lanes end with the task that they began with.
  #queue: T[] | undefined
  #wake: Wake | undefined

  constructor(id: string, slot: number) {
    this.id = id
    this.slot = slot
  }

  /** Waiting behind the task in hand. */
  get queue(): readonly T[] {
    return this.#queue ?? (none as readonly T[])
  }

  /** Set when a task joins the queue: ends a back-off early. */
  get wake(): Wake {
    return (this.#wake ??= new Wake())
  }

  push(task: T): void {
    this.#queue ??= []
    this.#queue.push(task)
    this.#wake?.set()
  }

  shift(): T | undefined {
    return this.#queue?.shift()
  }

  /** Takes out whatever waits. */
  clear(): readonly T[] {
    const tasks = this.queue
    this.#queue = undefined
    this.wake.set()
    return tasks
  }
}

const none: readonly never[] = []

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
      lane.push(task)
      return
    }
    const fresh = new Lane<T>(task.lane, task.slot)
    this.#lanes.set(task.lane, fresh)
    void this.#drain(fresh, task)
  }

  /** Forgets what waits in a slot's lanes, or in all; what is in hand goes on. */
  drop(slot?: number): void {
    for (const lane of this.#lanes.values()) {
      if (slot !== undefined && lane.slot !== slot) continue
      const dropped = lane.clear()
      this.#size -= dropped.length
      for (const task of dropped) task.end?.()
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
      task = lane.shift()
    }
    this.#lanes.delete(lane.id)
    if (this.#idle.size > 0) {
      for (const resolve of this.#idle) resolve()
      this.#idle.clear()
    }
  }
}
