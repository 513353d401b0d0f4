import type { RecordStore } from '@workflow/core/adapter'
import type { CallerTransaction } from '../src/conformance/index.ts'

/** A transaction of a store, held open as a caller would hold one of its own. */
export async function heldTransaction(store: RecordStore): Promise<CallerTransaction> {
  const { promise: ended, resolve: commit, reject: rollBack } = Promise.withResolvers<void>()
  const { promise: opened, resolve: open } = Promise.withResolvers<unknown>()
  const transaction =
    store.transaction?.(
      async (tx) => {
        open(tx)
        await ended
      },
      { signal: new AbortController().signal },
    ) ?? Promise.resolve()
  const done = transaction.catch(() => undefined)
  return {
    tx: await opened,
    commit: async () => {
      commit()
      await transaction
    },
    rollBack: async () => {
      rollBack(new Error('rolled back'))
      await done
    },
  }
}
