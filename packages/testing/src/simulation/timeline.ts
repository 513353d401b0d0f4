/**
 * Virtual time and what happens in it, one event after another in one thread. Between two events every microtask runs, so
 * that each piece of code has got exactly as far as it can without anything else happening.
 */
import { nextTick } from 'node:process'

/** What may happen. The place in the list goes into the hash of the trace: append, never reorder. */
export const eventKinds = [
  'timer',
  'turn',
  'call',
  'reply',
  'delivery',
  'grant',
  'lease',
  'wake',
  'client',
  'fault',
  'handler',
  'check',
] as const
export type EventKind = (typeof eventKinds)[number]

const kindNumbers = Object.fromEntries(eventKinds.map((kind, index) => [kind, index + 1])) as { readonly [Kind in EventKind]: number }

/** Something that will happen, unless it is called off. */
export interface TimelineEvent {
  readonly us: number
  readonly order: number
  readonly kind: EventKind
  readonly who: number
  /** Undefined once it has been called off. */
  run: (() => void) | undefined
}

/** Hears of every event before it happens. Only when a trace is asked for: it costs. */
export type Listener = (event: TimelineEvent) => void

export class Timeline {
  #us = 0
  #orders = 0
  #heap: TimelineEvent[] = []
  #low = 0x811c9dc5
  #high = 0x2545f491
  #count = 0
  #stopped = false
  onEvent: Listener | undefined

  /** Microseconds since the beginning. */
  get us(): number {
    return this.#us
  }

  /** How many events have happened. */
  get count(): number {
    return this.#count
  }

  /** What has happened so far, as 16 hexadecimal digits: equal for equal traces. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  /** Makes something happen after a while. Events of one instant happen in the order in which they were planned. */
  plan(afterUs: number, kind: EventKind, who: number, run: () => void): TimelineEvent {
    const event: TimelineEvent = { us: this.#us + (afterUs > 0 ? Math.floor(afterUs) : 0), order: this.#orders++, kind, who, run }
    push(this.#heap, event)
    return event
  }

  /** Adds to the hash what an event was about. */
  note(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193)
    this.#high = Math.imul(this.#high ^ (value >>> 7) ^ this.#low, 0x5bd1e995)
  }

  /** No event happens after the one in hand. */
  stop(): void {
    this.#stopped = true
  }

  /** Lets everything happen until `stop`, or until nothing is left. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      // A tick that a microtask asks for comes after all microtasks: Node empties their queue before it looks at ticks again.
      const soon = (): void => nextTick(step)
      const step = (): void => {
        try {
          if (this.#next()) queueMicrotask(soon)
          else resolve()
        } catch (error) {
          reject(error)
        }
      }
      soon()
    })
  }

  #next(): boolean {
    while (!this.#stopped) {
      const event = pop(this.#heap)
      if (event === undefined) return false
      const { run } = event
      if (run === undefined) continue
      this.#us = event.us
      this.#count++
      this.note(event.us | 0)
      this.note((kindNumbers[event.kind] << 16) ^ event.who)
      this.onEvent?.(event)
      run()
      return true
    }
    return false
  }
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0')
}

function isBefore(one: TimelineEvent, other: TimelineEvent): boolean {
  return one.us < other.us || (one.us === other.us && one.order < other.order)
}

function push(heap: TimelineEvent[], event: TimelineEvent): void {
  let at = heap.length
  heap.push(event)
  while (at > 0) {
    const parent = (at - 1) >>> 1
    const above = heap[parent]
    if (above === undefined || !isBefore(event, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = event
}

function pop(heap: TimelineEvent[]): TimelineEvent | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    let least = heap[child]
    if (least === undefined) break
    const right = heap[child + 1]
    if (right !== undefined && isBefore(right, least)) {
      least = right
      child++
    }
    if (!isBefore(least, last)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
  return first
}
