/**
 * The store and the streamer with a clock on each call. Of many calls of one kind that are under way at once a few are
 * measured: they share their round trips, and measuring each would cost more than it tells.
 */
import type { Clock } from '../ports/clock.ts'
import type { Delivery, EventSender, EventStreamer } from '../ports/event-streamer.ts'
import type { Instrumentation } from '../ports/instrumentation.ts'
import type { RecordStore } from '../ports/record-store.ts'
import type { TimeoutStore } from '../ports/timeout-store.ts'

/** So many calls of one operation are measured at once. */
const underWayMax = 16

const storeOperations = 'commit transaction lookup latest unfinishedChildren list count history items rewrite purge'
const timerOperations = 'apply due nextExpiry list'
const streamerOperations = 'ensure receivers removeReceiver newReceiver'

/** Measures calls: `workflow_store_seconds` and `workflow_streamer_seconds`. */
export class Timing {
  readonly #instrumentation: Instrumentation
  readonly #clock: Clock
  readonly #workflowName: string

  constructor(instrumentation: Instrumentation, clock: Clock, workflowName: string) {
    this.#instrumentation = instrumentation
    this.#clock = clock
    this.#workflowName = workflowName
  }

  /** The store itself is still known to whoever shares something by it: see `untimed`. */
  store(store: RecordStore): RecordStore {
    const metric = 'workflow_store_seconds'
    const timers = this.#port<TimeoutStore>(store.timers, timerOperations, 'onChange toldOfAll', metric, 'timers.', {})
    const timed = this.#port<RecordStore>(store, storeOperations, 'capabilities outbox onConnectionLost close', metric, '', { timers })
    originals.set(timed, store)
    return timed
  }

  streamer(streamer: EventStreamer): EventStreamer {
    const metric = 'workflow_streamer_seconds'
    const newSender = async (): Promise<EventSender> => {
      const sender = await streamer.newSender()
      return {
        send: this.#timed(metric, 'send', (events) => sender.send(events)),
        [Symbol.asyncDispose]: () => Promise.resolve(sender[Symbol.asyncDispose]()),
      }
    }
    return this.#port<EventStreamer>(streamer, streamerOperations, 'source close', metric, '', { newSender })
  }

  /** Acknowledges a delivery of the streamer. */
  get ack(): (delivery: Pick<Delivery<unknown>, 'ack'>) => Promise<void> {
    return this.#timed('workflow_streamer_seconds', 'ack', (delivery) => delivery.ack())
  }

  /** The members of a port: some measured, some as they are, some others; those absent that are absent. */
  #port<P extends object>(port: P, operations: string, kept: string, metric: string, prefix: string, others: Partial<P>): P {
    const timed: { [name: string]: unknown } = { ...others }
    for (const name of kept.split(' ')) {
      const value = member(port, name)
      timed[name] = typeof value === 'function' ? value.bind(port) : value
    }
    for (const name of operations.split(' ')) {
      const method = member(port, name)
      if (typeof method !== 'function') continue
      // No method of a port has more than three parameters.
      timed[name] = this.#timed(metric, prefix + name, (a, b, c) => method.call(port, a, b, c))
    }
    // The cast holds because every member of the port is named.
    return timed as P
  }

  #timed<A, B, C, T>(metric: string, operation: string, call: (a: A, b: B, c: C) => Promise<T>): (a: A, b?: B, c?: C) => Promise<T> {
    const instrumentation = this.#instrumentation
    const clock = this.#clock
    const labels = Object.freeze({ workflow_name: this.#workflowName, operation })
    let underWay = 0
    const release = (): void => {
      underWay -= 1
    }
    // The casts hold because whoever leaves an argument out may do so by the types of the port.
    return (a, b, c) => {
      if (underWay >= underWayMax) return call(a, b as B, c as C)
      const since = clock.monotonic()
      const end = (): void => {
        instrumentation.observe(metric, (clock.monotonic() - since) / 1_000, labels)
        // Not at once: of calls that are answered on the spot, thousands may be made before anything else has its turn.
        clock.setImmediate(release)
      }
      const answer = call(a, b as B, c as C)
      underWay += 1
      answer.then(end, end)
      return answer
    }
  }
}

function member(port: object, name: string): unknown {
  return (port as { readonly [name: string]: unknown })[name]
}

const originals = new WeakMap<object, RecordStore>()

/** The store itself, by which all workflows of a process know it. */
export function untimed(store: RecordStore): RecordStore {
  return originals.get(store) ?? store
}
