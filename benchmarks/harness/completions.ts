import type { Instrumentation } from '@workflow/core'

/** Counts completed runs where the engine reports them in any case, so that counting costs nothing that users do not pay. */
export class Completions implements Instrumentation {
  #total = 0
  /** Called at each one. */
  onEach: (total: number) => void = () => undefined

  readonly gauge: Instrumentation['gauge'] = () => undefined
  readonly observe: Instrumentation['observe'] = () => undefined
  readonly count: Instrumentation['count'] = (name, n, labels) => {
    if (name !== 'workflow_run_state_changes' || labels['current_run_state'] !== 'Completed') return
    this.#total += n
    this.onEach(this.#total)
  }

  get total(): number {
    return this.#total
  }

  /** Resolves at so many completed runs, counted from the beginning. */
  until(total: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (now: number): void => {
        if (now >= total) resolve()
      }
      this.onEach = look
      look(this.#total)
    })
  }
}
