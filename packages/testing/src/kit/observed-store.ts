import type { RecordStore, Unit } from '@workflow/core/adapter'

/** The same store, whose commits are told about: each unit once, after it was written. */
export function observedStore<Tx>(store: RecordStore<Tx>, committed: (unit: Unit) => void): RecordStore<Tx> {
  const { transaction } = store
  return {
    ...store,
    commit: async (unit, options) => {
      const result = await store.commit(unit, options)
      if (result.ok && !result.replayed) committed(unit)
      return result
    },
    ...(transaction === undefined
      ? undefined
      : {
          transaction: async (work, options) => {
            const written: Unit[] = []
            const outcome = await transaction(
              (tx, commit) =>
                work(tx, async (unit) => {
                  const result = await commit(unit)
                  if (result.ok && !result.replayed) written.push(unit)
                  return result
                }),
              options,
            )
            written.forEach(committed)
            return outcome
          },
        }),
  }
}
