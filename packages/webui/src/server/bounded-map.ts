/** `Promise.all` over `items`, with so many at once; stops at the first that fails. Results are in the order of the items. */
export async function boundedMap<T, R>(items: readonly T[], parallel: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const entries = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [i, item] of entries) {
      if (failed) return
      try {
        results[i] = await work(item)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker))
  return results
}
