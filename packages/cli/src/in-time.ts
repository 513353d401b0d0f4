import { UsageError } from './usage-error.ts'

/** So long a config may take to load, and its infrastructure to open. */
export const openMsMax = 60_000

/** The outcome of a config's own code, which may wait for what never comes, and would keep a pipeline waiting with it. */
export async function inTime<T>(work: Promise<T>, what: string, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const limit = setTimeout(() => {
    reject(new UsageError(`${what} takes longer than ${ms / 1_000} s: see what it waits for, e.g. a database that cannot be reached`))
  }, ms)
  // Where nothing else is left to wait for, that is known at once.
  limit.unref()
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(limit)
  }
}
