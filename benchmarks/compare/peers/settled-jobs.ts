/**
 * Sees when a queue has committed the completion of a job, where it has no event for that: a statement that carried the
 * job's id, after the job's handler has ended, has succeeded. Reads parameters only, and only of jobs that have just ended.
 */
export class SettledJobs {
  readonly #ended = new Map<string, number>()
  readonly #settled: (n: number) => void

  /** `settled` is told of each run once. */
  constructor(settled: (n: number) => void) {
    this.#settled = settled
  }

  /** The handler of a run's last job has ended; its completion will be written next. */
  ended(jobId: string, n: number): void {
    this.#ended.set(jobId, n)
  }

  /** A statement with these parameters has succeeded. */
  succeeded(parameters: readonly unknown[]): void {
    if (this.#ended.size === 0) return
    for (const parameter of parameters)
      for (const id of Array.isArray(parameter) ? parameter : [parameter]) {
        const n = typeof id === 'string' ? this.#ended.get(id) : undefined
        if (n === undefined) continue
        this.#ended.delete(id)
        this.#settled(n)
      }
  }
}
