import type { Clock } from '../ports/clock.ts'

/** Time as the machine has it. The only place in core that asks for it. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (afterMs, callback) => {
    // setTimeout takes 31 bits and silently fires at once beyond that: longer waits go in parts.
    const partMs = 2 ** 31 - 1
    let left = afterMs
    let handle: NodeJS.Timeout
    const next = (): void => {
      const ms = Math.min(left, partMs)
      left -= ms
      handle = setTimeout(() => (left > 0 ? next() : callback()), ms)
    }
    next()
    return { [Symbol.dispose]: () => clearTimeout(handle) }
  },
  setImmediate: (callback) => {
    const handle = setImmediate(callback)
    return { [Symbol.dispose]: () => clearImmediate(handle) }
  },
}
