/**
 * One listener per signal, however many wait by it: an engine waits for all of its roles by one signal, and adding or removing a
 * listener takes the longer the more there are.
 */
export class AbortWatch {
  readonly #bySignal = new Map<AbortSignal, { readonly callbacks: Set<() => void>; readonly listener: () => void }>()

  /** Calls `callback` once, when the signal aborts. */
  add(signal: AbortSignal, callback: () => void): void {
    const known = this.#bySignal.get(signal)
    if (known !== undefined) {
      known.callbacks.add(callback)
      return
    }
    const callbacks = new Set([callback])
    const listener = (): void => {
      this.#bySignal.delete(signal)
      for (const one of callbacks) one()
    }
    this.#bySignal.set(signal, { callbacks, listener })
    signal.addEventListener('abort', listener, { once: true })
  }

  remove(signal: AbortSignal, callback: () => void): void {
    const known = this.#bySignal.get(signal)
    if (known === undefined || !known.callbacks.delete(callback) || known.callbacks.size > 0) return
    this.#bySignal.delete(signal)
    signal.removeEventListener('abort', known.listener)
  }
}
