/**
 * Pulls deliveries from one receiver into a window, for the slots that this instance holds. It takes no more than the
 * window has room for, so load stays in the stream. Nothing is acknowledged here: whoever finishes the work does that.
 */
import { isWorkflowError, type WorkflowError } from '../errors.ts'
import type { Delivery, EventReceiver, SlotClaim } from '../ports/event-streamer.ts'
import { Claims } from './claims.ts'
import type { EngineContext } from './engine-context.ts'
import type { Lanes, LaneTask } from './lanes.ts'
import { sleep, turn } from './waiting.ts'

export interface ReaderOptions<E> {
  readonly name: string
  readonly receiver: EventReceiver<E>
  readonly window: Pick<Lanes<LaneTask>, 'size' | 'limit' | 'room'>
  readonly offer: (delivery: Delivery<E>) => void
  /** At most so many at once. */
  readonly batch: number
  /** Topics to leave alone for now. */
  readonly except?: () => ReadonlySet<string> | undefined
  /** A newer holder has these slots. */
  readonly fenced: (slots: readonly number[]) => void
  /** The stream has lost events. */
  readonly lost: (error: WorkflowError) => void
}

const retryMs = 1_000

export class Reader<E> {
  readonly #ctx: EngineContext
  readonly #options: ReaderOptions<E>
  readonly #claims: Claims
  #interrupt: AbortController | undefined

  constructor(ctx: EngineContext, options: ReaderOptions<E>) {
    this.#ctx = ctx
    this.#options = options
    this.#claims = new Claims(ctx, options)
  }

  get name(): string {
    return this.#options.name
  }

  /** Makes the receiver follow the slots that are held. Keeps trying while the stream cannot be reached. */
  assign(claims: readonly SlotClaim[], until: AbortSignal): Promise<void> {
    return this.#claims.assign(this.#options.receiver, claims, until)
  }

  /** Pulls until `stop` aborts. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        await this.#pull(stop)
      } catch (error) {
        if (stop.aborted || isWorkflowError(error, 'Stopped')) return
        if (this.#claims.fenced(error)) continue
        if (isWorkflowError(error, 'EventsLost')) this.#options.lost(error)
        else {
          this.#ctx.logger.error(
            { workflow: this.#ctx.contract.name, process: this.name, error },
            'reading the stream failed; trying again',
          )
          await sleep(this.#ctx.clock, retryMs / 2 + (this.#ctx.random() * retryMs) / 2, stop).catch(() => undefined)
        }
      }
    }
  }

  /** Looks again at which topics to leave alone. */
  nudge(): void {
    this.#interrupt?.abort()
  }

  async #pull(stop: AbortSignal): Promise<void> {
    const { receiver, window, batch } = this.#options
    while (!stop.aborted) {
      const room = window.limit - window.size
      if (room <= 0) {
        await window.room.wait(this.#ctx.clock, Infinity, stop)
        continue
      }
      const max = Math.min(room, batch)
      const except = this.#options.except?.()
      const deliveries =
        except === undefined || except.size === 0
          ? await receiver.receive({ max, signal: stop })
          : await this.#receiveSome(max, except, stop)
      for (const delivery of deliveries) this.#offer(delivery)
      // The rest of the process has a turn between batches, however much there is to read.
      await turn(this.#ctx.clock)
    }
  }

  /** An event that cannot be read concerns nobody else: it is left behind, and the sweeper comes back to its run. */
  #offer(delivery: Delivery<E>): void {
    try {
      this.#options.offer(delivery)
    } catch (error) {
      this.#ctx.logger.error(
        { workflow: this.#ctx.contract.name, process: this.name, slot: delivery.slot, error },
        'an event cannot be read; leaving it out',
      )
      delivery
        .ack()
        .catch((failure: unknown) =>
          this.#ctx.logger.warn(
            { workflow: this.#ctx.contract.name, process: this.name, slot: delivery.slot, error: failure },
            'an acknowledgement failed',
          ),
        )
    }
  }

  async #receiveSome(max: number, except: ReadonlySet<string>, stop: AbortSignal): Promise<readonly Delivery<E>[]> {
    const interrupt = new AbortController()
    this.#interrupt = interrupt
    const forward = (): void => interrupt.abort(stop.reason)
    stop.addEventListener('abort', forward, { once: true })
    try {
      return await this.#options.receiver.receive({ max, except, signal: interrupt.signal })
    } catch (error) {
      if (interrupt.signal.aborted && !stop.aborted) return []
      throw error
    } finally {
      this.#interrupt = undefined
      stop.removeEventListener('abort', forward)
    }
  }
}
