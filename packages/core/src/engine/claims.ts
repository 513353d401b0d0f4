/** Makes a receiver read the slots that this instance holds, and hears of those that a newer holder has taken. */
import { isWorkflowError } from '../errors.ts'
import type { EventReceiver, SlotClaim } from '../ports/event-streamer.ts'
import type { EngineContext } from './engine-context.ts'
import { sleep } from './waiting.ts'

const retryMs = 1_000

export interface ClaimsOptions {
  /** Whose receiver it is, for the log. */
  readonly name: string
  /** A newer holder has these slots. */
  readonly fenced: (slots: readonly number[]) => void
}

/** The slots that one receiver is to read. */
export class Claims {
  readonly #ctx: EngineContext
  readonly #options: ClaimsOptions

  constructor(ctx: EngineContext, options: ClaimsOptions) {
    this.#ctx = ctx
    this.#options = options
  }

  /** Assigns the claims, again and again while the stream cannot be reached, until `until` aborts. */
  async assign(receiver: EventReceiver<unknown>, claims: readonly SlotClaim[], until: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await receiver.assign(claims)
      } catch (error) {
        if (this.fenced(error) || isWorkflowError(error, 'Stopped') || until.aborted) return
        this.#ctx.logger.error(
          { workflow: this.#ctx.contract.name, process: this.#options.name, error },
          'the slots could not be assigned; trying again',
        )
        await sleep(this.#ctx.clock, retryMs, until).catch(() => undefined)
      }
    }
  }

  /** Whether the error says that a newer holder has slots; passes them on. */
  fenced(error: unknown): boolean {
    if (!isWorkflowError(error, 'Fenced')) return false
    const slots = error.details['slots']
    this.#options.fenced(Array.isArray(slots) ? slots.filter((slot) => typeof slot === 'number') : [])
    return true
  }
}
