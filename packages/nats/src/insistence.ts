/**
 * Questions to a stream whose leader is being elected: nobody answers them, so they are asked again before the time is up.
 * Only for what changes nothing.
 */
import type { JetStreamManager } from '@nats-io/jetstream'
import { isSilence } from './nats-error.ts'

/** How the server is asked. */
export interface Api {
  readonly manager: JetStreamManager
  /** Like `manager`, but soon gives up: for questions that are asked again. */
  readonly asker: JetStreamManager
  /** How long to go on asking. */
  readonly patienceMs: number
}

/** For so long one question waits for its answer. */
export const askMs = 1_000

/** Asks until there is an answer, or a refusal, or the time is up. */
export async function insist<T>({ asker, patienceMs }: Api, ask: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return await ask(asker)
    } catch (error) {
      if (!isSilence(error) || performance.now() >= until) throw error
    }
  }
}
