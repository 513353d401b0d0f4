import { isInHand, waitsVirtually } from '../virtual-wait.ts'

/** Lets no time pass until something is over. */
export type Hold = <T>(work: () => Promise<T>) => Promise<T>

/** What is done about a call that may wait for time to pass, and is nobody's who is known to wait. */
export type Watch = (name: string, work: Promise<unknown>) => Promise<unknown>

/** Calls that may wait for time to pass. */
const waiting: ReadonlySet<PropertyKey> = new Set(['await', 'awaitCompletion', 'callback'])

/** Calls that load code when they are first made, and need no time to pass. */
const loading: ReadonlySet<PropertyKey> = new Set(['schedule', 'explain'])

/**
 * The same client, for handlers and tests. While it loads code, time stands still by `hold`; a handler that waits for a
 * run through it is known to wait for virtual time, and a test that does so is watched, because it lets no time pass.
 */
export function trackedClient<T extends object>(client: T, hold: Hold, watch?: Watch): T {
  return new Proxy(client, {
    get: (target, name) => {
      // The receiver is the client itself: its private parts know no proxy.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: readonly unknown[]): unknown => {
        if (loading.has(name)) return hold(async () => await (Reflect.apply(value, target, given) as Promise<unknown>))
        if (!waiting.has(name)) return Reflect.apply(value, target, given)
        const inHand = isInHand()
        const over = waitsVirtually()
        const result: unknown = Reflect.apply(value, target, given)
        if (!(result instanceof Promise)) return result
        result.then(over, over)
        return inHand || watch === undefined ? result : watch(String(name), result)
      }
    },
  })
}
