/** Time and processor time between two moments, and the memory in use. */
export interface Reading {
  readonly wallMs: number
  /** Of all threads of this process. */
  readonly cpuMs: number
}

/** Starts measuring; what it returns says what has passed since. */
export function meter(): () => Reading {
  const start = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    return { wallMs: performance.now() - start, cpuMs: (user + system) / 1_000 }
  }
}

/** After a garbage collection where the runtime offers one. */
export function rssMegabytes(): number {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1e6
}
