/** Schedulers of one test, on a prefix of their own; disposing it closes them all. */
import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import { type RinkLikeOptions, rinkLikeScheduler } from '../src/index.ts'
import { freshPrefix } from './etcd.ts'

export class Crew implements AsyncDisposable {
  readonly prefix: string = freshPrefix()
  readonly #options: Partial<RinkLikeOptions> & Pick<RinkLikeOptions, 'endpoints'>
  readonly #open: RoleScheduler[] = []
  readonly #stop = new AbortController()

  constructor(options: Partial<RinkLikeOptions> & Pick<RinkLikeOptions, 'endpoints'>) {
    this.#options = options
  }

  open(instance: string, options: Partial<RinkLikeOptions> = {}): RoleScheduler {
    const scheduler = rinkLikeScheduler({ prefix: this.prefix, ...this.#options, ...options, instance })
    this.#open.push(scheduler)
    return scheduler
  }

  /** Waits for a role until the end of the test; its rejection then is nobody's concern. */
  ask(scheduler: RoleScheduler, role: string): Promise<RoleLease> {
    const lease = scheduler.awaitRole(role, { signal: this.#stop.signal, generation: 0 })
    lease.catch(() => undefined)
    return lease
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#open.map((scheduler) => scheduler.close()))
  }
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
