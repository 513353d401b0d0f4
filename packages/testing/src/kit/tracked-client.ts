import { waitsVirtually } from '../virtual-wait.ts'

/** Calls that may wait for time to pass. */
const waiting: ReadonlySet<PropertyKey> = new Set(['await', 'awaitCompletion', 'callback'])

/** The same client; a handler that waits for a run through it is known to wait for virtual time. */
export function trackedClient<T extends object>(client: T): T {
  return new Proxy(client, {
    get: (target, name) => {
      // The receiver is the client itself: its private parts know no proxy.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...given: readonly unknown[]): unknown => {
        const over = waiting.has(name) ? waitsVirtually() : undefined
        const result: unknown = Reflect.apply(value, target, given)
        if (over !== undefined && result instanceof Promise) result.then(over, over)
        return result
      }
    },
  })
}
