/** What a database would do to a store: rows that somebody else has locked, and connections that break. */
import type { RecordStore } from '@workflow/core/adapter'

/** Rows that are locked from outside. */
export class RowLocks {
  readonly #locked = new Set<string>()

  async lock(runId: string): Promise<AsyncDisposable> {
    this.#locked.add(runId)
    return {
      [Symbol.asyncDispose]: async () => {
        this.#locked.delete(runId)
      },
    }
  }

  has(runId: string): boolean {
    return this.#locked.has(runId)
  }
}

/** A store that answers busy for locked rows, and keeps its listeners in `listeners`. */
export function lockableStore(store: RecordStore, locks: RowLocks, listeners: Map<RecordStore, Set<() => void>>): RecordStore {
  const own = new Set<() => void>()
  const lockable: RecordStore = {
    ...store,
    commit: async (unit, options) =>
      unit.changes?.some(({ next }) => locks.has(next.runId)) === true ? { ok: false, reason: 'busy' } : store.commit(unit, options),
    onConnectionLost: (listener) => {
      own.add(listener)
      return {
        [Symbol.dispose]: () => {
          own.delete(listener)
        },
      }
    },
  }
  listeners.set(lockable, own)
  return lockable
}
