/** Waiting with a limit, on whatever clock the adapter lives by. */
import type { HarnessTime } from './harness.ts'
import { PromiseBroken } from './promise-broken.ts'

const patienceMsDefault = 10_000
const quietMsDefault = 100
/** How often a condition is looked at, in ms of the adapter's clock. */
const stepMs = 5
const turnsAtOnce = 4

/** How a case waits. */
export interface Waiting {
  /** Waits until `condition` answers something other than false or undefined, and returns that. */
  readonly eventually: <T>(condition: () => T | false | undefined | Promise<T | false | undefined>, promise: string) => Promise<T>
  /** The outcome of `work`, which must come within the harness's patience while time passes. */
  readonly within: <T>(work: Promise<T>, promise: string) => Promise<T>
  /** Lets a while pass in which nothing should happen. */
  readonly quiet: () => Promise<void>
  readonly pass: (ms: number) => Promise<void>
}

/** Waiting on a harness's time. */
export function waitingOn(time: HarnessTime): Waiting {
  const patienceMs = time.patienceMs ?? patienceMsDefault
  const within = async <T>(work: Promise<T>, promise: string): Promise<T> => {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    work.then(mark, mark)
    const started = time.clock.monotonic()
    // Most answers need a few turns of the event loop and no time at all: a virtual clock stays where it is for those.
    for (let turn = 0; !settled; turn++) {
      if (time.clock.monotonic() - started > patienceMs) throw new PromiseBroken(promise, `no answer within ${patienceMs} ms`)
      await time.pass(turn < turnsAtOnce ? 0 : stepMs)
    }
    return work
  }
  const eventually: Waiting['eventually'] = async (condition, promise) => {
    const started = time.clock.monotonic()
    for (;;) {
      const answer = await within(Promise.resolve(condition()), promise)
      if (answer !== false && answer !== undefined) return answer
      if (time.clock.monotonic() - started > patienceMs) throw new PromiseBroken(promise, `not within ${patienceMs} ms`)
      await time.pass(stepMs)
    }
  }
  return { within, eventually, quiet: () => time.pass(time.quietMs ?? quietMsDefault), pass: time.pass }
}
