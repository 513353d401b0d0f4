/** Rejects with `signal.reason` once it aborts, unless `work` settles first. Leaves no listener behind: an export asks often. */
export async function heed<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  if (signal === undefined) return await work()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([work(), aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Work that is under way before anybody waits for it: if it fails, whoever waits later is told, and nobody else. */
export function ahead<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  return work
}
