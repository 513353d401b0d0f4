/**
 * Which handler the code that runs now belongs to, and whether that handler waits for virtual time. Time may pass while
 * it does; while it waits for anything else, time stands still, so that what really happens is never skipped.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** A handler at work. */
export interface CallInHand {
  /** How many things of virtual time it waits for. */
  virtualWaits: number
}

const inHand = new AsyncLocalStorage<CallInHand>()

/** Runs a handler, so that what it waits for is known to be its own. */
export function asCall<T>(call: CallInHand, work: () => T): T {
  return inHand.run(call, work)
}

/** Runs something that is nobody's, e.g. what the engine does behind a call that a handler has made. */
export function asNobody<T>(work: () => T): T {
  return inHand.getStore() === undefined ? work() : inHand.exit(work)
}

/** Whether the code that runs now is a handler's. */
export function isInHand(): boolean {
  return inHand.getStore() !== undefined
}

/** Says that the handler at work waits for virtual time; call the result when that is over. */
export function waitsVirtually(): () => void {
  const call = inHand.getStore()
  if (call === undefined) return nothing
  call.virtualWaits += 1
  let waiting = true
  return () => {
    if (waiting) call.virtualWaits -= 1
    waiting = false
  }
}

const nothing = (): void => undefined
