import { isWorkflowError } from '../errors.ts'
import type { Timer } from '../model/timer.ts'
import { processNames, type WorkerContext } from './worker-context.ts'

const shareMin = 8
const shareMax = 256
/** Of so many timers is remembered whose they are. */
const knownMax = 10_000

/**
 * How many due timers each process may have in hand: so many that it never waits for the next one, and so few that they
 * neither fill the window nor keep the timers of other processes out of it, however long its handlers take.
 */
export class TimerShares {
  readonly #ctx: WorkerContext
  readonly #max: number
  readonly #inHand = new Map<string, number>()
  /** By a timeout's name, the one process that it belongs to; undefined where statuses share the name. */
  readonly #processes = new Map<string, string | undefined>()
  /** The processes of timeouts that only their run's status tells apart, by the caller's id of the timer. */
  readonly #known = new Map<string, string>()

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx
    const { steps, callbacks, timeouts, joins } = ctx.definition
    const processes = steps.size + callbacks.size + timeouts.size + joins.size
    this.#max = Math.min(shareMax, Math.max(shareMin, Math.floor(ctx.lanes.limit / (2 * Math.max(1, processes)))))
    // A name that two statuses share stays undefined.
    for (const [status, models] of timeouts) {
      for (const { name } of models) this.#processes.set(name, this.#processes.has(name) ? undefined : processNames.timeout(status, name))
    }
  }

  /** Takes a place for a timer and returns whose; undefined when its process has enough, or is not known yet. */
  take(id: string, timer: Timer): string | undefined {
    const own = shareOf(timer, this.#processes)
    if (this.#enter(own)) return own
    // Others of that name are in hand, perhaps of another status.
    const known = this.#known.get(id)
    return known !== undefined && this.#enter(known) ? known : undefined
  }

  /** Whether only the run's status can tell whose the timer is. */
  isUnknown(id: string, timer: Timer): boolean {
    return timer.key.kind === 'timeout' && this.#processes.get(timer.key.name) === undefined && !this.#known.has(id)
  }

  /** Learns whose a timer is. Throws what the store throws while it is away. */
  async learn(id: string, timer: Timer): Promise<void> {
    let status: string | undefined
    try {
      status = (await this.#ctx.store.lookup(timer.key.owner))?.status
    } catch (error) {
      // Otherwise whoever handles it says what is wrong with the run.
      if (isWorkflowError(error) && (error.retryable || error.code === 'Stopped')) throw error
    }
    this.#known.set(id, status === undefined ? 'nobody' : processNames.timeout(status, timer.key.name))
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= knownMax) break
      this.#known.delete(oldest)
    }
  }

  /** Gives a place back. Returns whether the process should have more now: once while its places empty, so that many are filled at a time. */
  leave(share: string): boolean {
    const left = (this.#inHand.get(share) ?? 1) - 1
    if (left === 0) this.#inHand.delete(share)
    else this.#inHand.set(share, left)
    return left === 0 || left === Math.floor(this.#max / 2)
  }

  #enter(share: string): boolean {
    const inHand = this.#inHand.get(share) ?? 0
    if (inHand >= this.#max) return false
    this.#inHand.set(share, inHand + 1)
    return true
  }
}

function shareOf({ key }: Timer, timeouts: ReadonlyMap<string, string | undefined>): string {
  switch (key.kind) {
    case 'timeout':
      return timeouts.get(key.name) ?? `timeouts '${key.name}'`
    case 'retry':
      // A run's retries are named after their process and their attempt, a connector's after their event.
      return `retry ${key.owner.startsWith('connector:') ? key.owner : key.name.replace(/#(?:\d+|lag)$/, '')}`
    default:
      return key.kind
  }
}
