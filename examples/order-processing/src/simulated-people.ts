/**
 * Plays the people outside: an approver who decides about large orders after a while, says no to some and forgets a few;
 * customers of whom every other one names a new card after a decline. What they do follows from the database and the
 * seed, so that they go on after a restart, and two processes that both play them do everything once.
 */
import { isWorkflowError } from '@workflow/core'
import { allRuns, type OrderClient, type OrderRun } from './all-runs.ts'
import { chance } from './chance.ts'

export interface PeopleOptions {
  readonly seed: string
  /** How long they think, on average. */
  readonly thinkingMs: number
  /** Whether to play the approver too. @default true */
  readonly approver?: boolean
}

const forgottenShare = 0.08
const refusedShare = 0.2
const newCardShare = 0.5

export class SimulatedPeople {
  readonly #client: OrderClient
  readonly #options: PeopleOptions

  constructor(client: OrderClient, options: PeopleOptions) {
    this.#client = client
    this.#options = options
  }

  /** Looks once through everything that waits for them. */
  async act(signal: AbortSignal): Promise<void> {
    if (this.#options.approver !== false) await this.#each('awaiting-approval', (run) => this.#decide(run), signal)
    await this.#each('awaiting-payment', (run) => this.#payAnew(run), signal)
  }

  async #each(
    status: 'awaiting-approval' | 'awaiting-payment',
    answer: (run: OrderRun) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const run of allRuns(this.#client, { status, state: 'Running' })) {
      if (signal.aborted) return
      await answer(run)
    }
  }

  async #decide(run: OrderRun): Promise<void> {
    const mood = this.#chance('approval', run)
    if (mood < forgottenShare || !this.#hasThought(run)) return
    const payload = { approved: mood >= forgottenShare + refusedShare, by: 'the approval policy' }
    await unlessTooLate(this.#client.callback({ runId: run.runId }, 'awaiting-approval', payload, { key: 'policy' }))
  }

  async #payAnew(run: OrderRun): Promise<void> {
    if (this.#chance('new card', run) >= newCardShare || !this.#hasThought(run)) return
    await unlessTooLate(this.#client.callback({ runId: run.runId }, 'awaiting-payment', { card: 'visa-4444' }, { key: 'new card' }))
  }

  #hasThought(run: OrderRun): boolean {
    return Date.now() - run.enteredAt.getTime() >= this.#options.thinkingMs * (0.5 + this.#chance('thinking', run))
  }

  #chance(what: string, run: OrderRun): number {
    return chance(this.#options.seed, what, run.foreignId)
  }
}

/** A timer, a person or another process was faster: then there is nothing left to say. */
export async function unlessTooLate(callback: Promise<unknown>): Promise<boolean> {
  try {
    await callback
    return true
  } catch (error) {
    if (isWorkflowError(error, 'RunNotWaiting') || isWorkflowError(error, 'RunNotFound')) return false
    throw error
  }
}
