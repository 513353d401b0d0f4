/** What a case has opened on a backend, so that its end can close everything and look for what is still alive. */
import type { Backend, Instance } from './harness.ts'

export class Opened<Port, I extends Instance<Port>, Args extends readonly unknown[]> {
  readonly #open: (...args: Args) => Promise<I>
  readonly #instances: I[] = []

  constructor(open: (...args: Args) => Promise<I>) {
    this.#open = open
  }

  async instance(...args: Args): Promise<I> {
    const instance = await this.#open(...args)
    this.#instances.push(instance)
    return instance
  }

  /** Closes every instance, the newest first. */
  async closeAll(): Promise<void> {
    for (const instance of this.#instances.splice(0).reverse()) await instance.close()
  }
}

/** The names of what keeps the process alive now. */
export function aliveNow(backend: Backend): readonly string[] {
  return backend.alive?.() ?? process.getActiveResourcesInfo()
}
