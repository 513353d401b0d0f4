/** Stores that get transactions, locks or their own end wrong. */
import type { CommitResult, RecordStore, Unit } from '@workflow/core/adapter'
import { InvalidArgument, isWorkflowError } from '@workflow/core/adapter'
import { memory } from '@workflow/core/memory'
import type { StoreChanger } from '../memory-harness.ts'
import { committing } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

type Transaction = NonNullable<RecordStore['transaction']>
type Commit = (unit: Unit) => Promise<CommitResult>

/** Another way to run a transaction. */
function transacting(change: (transaction: Transaction, store: RecordStore) => Transaction): StoreChanger {
  return (store) => (store.transaction === undefined ? store : { ...store, transaction: change(store.transaction, store) })
}

/** Another `commit` inside of transactions. */
function committingInside(change: (commit: Commit, store: RecordStore) => Commit): StoreChanger {
  return transacting((transaction, store) => (work, options) => transaction((tx, commit) => work(tx, change(commit, store)), options))
}

const answersLikeInside = (answer: CommitResult): CommitResult => (answer.ok ? { ...answer, final: false } : answer)

export const endingMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'calls a unit final before its transaction is',
    committingInside((commit) => async (unit) => {
      const answer = await commit(unit)
      return answer.ok && unit.timers !== undefined && unit.changes?.[0]?.expect === 'absent' ? { ...answer, final: true } : answer
    }),
    'what a transaction commits is there when it has resolved',
  ),
  mutant(
    'keeps what a rejected transaction has written',
    transacting((transaction, store) => async (work, options) => {
      const written: Unit[] = []
      return transaction(
        (tx, commit) =>
          work(tx, async (unit) => {
            const answer = await commit(unit)
            if (answer.ok) written.push(unit)
            return answer
          }),
        options,
      ).catch(async (error: unknown) => {
        if (!options.signal.aborted) for (const unit of written) await store.commit(unit)
        throw error
      })
    }),
    'work that rejects takes its units back',
  ),
  mutant(
    'waits for the work of an aborted transaction',
    transacting(
      (transaction) =>
        (work, { signal }) =>
          transaction(work, { signal: signal.aborted ? signal : new AbortController().signal }),
    ),
    'an aborted transaction takes its units back',
  ),
  mutant(
    'shows what a transaction has not committed',
    (store, { shared }) => ({
      ...store,
      ...(store.transaction === undefined
        ? {}
        : {
            transaction: (work, options) =>
              (store.transaction as Transaction)(
                (tx, commit) =>
                  work(tx, async (unit) => {
                    for (const { next } of unit.changes ?? []) shared.set(next.runId, { ...next, seq: 1n })
                    return commit(unit)
                  }),
                options,
              ).finally(() => shared.clear()),
          }),
      lookup: async (runId) => (await store.lookup(runId)) ?? (shared.get(runId) as never),
    }),
    'nobody sees a transaction before it has committed',
  ),
  mutant(
    'throws in a transaction when a unit is refused',
    committingInside((commit) => async (unit) => {
      const answer = await commit(unit)
      if (!answer.ok) throw new InvalidArgument('refused')
      return answer
    }),
    'units of one transaction see each other, and one that is refused leaves the rest',
  ),
  mutant(
    'reads and transacts over the same few connections',
    (store) => {
      let open = 0
      return {
        ...store,
        lookup: async (runId) => {
          while (open > 5)
            await new Promise((resolve) => {
              setImmediate(resolve)
            })
          return store.lookup(runId)
        },
        ...(store.transaction === undefined
          ? {}
          : {
              transaction: (work, options) => {
                open++
                return (store.transaction as Transaction)(work, options).finally(() => {
                  open--
                })
              },
            }),
      }
    },
    'many transactions at once all come to an end',
  ),
  mutant(
    'starts the work of a transaction that was aborted before',
    transacting((transaction) => async (work, options) => {
      if (options.signal.aborted) await work(undefined, async () => ({ ok: false, reason: 'busy' }))
      return transaction(work, options)
    }),
    'a transaction that was aborted before never starts',
  ),
  mutant(
    "commits beside the caller's transaction",
    committing(async (commit, _store, unit, options) =>
      typeof options?.tx === 'object' &&
      options.tx !== null &&
      Object.isExtensible(options.tx) &&
      !Object.hasOwn(options.tx, 'none') &&
      unit.append === undefined
        ? commit(unit, options).then(async (answer) => answersLikeInside(answer.ok ? await commit(unit) : answer))
        : commit(unit, options),
    ),
    "a unit becomes part of the caller's own transaction",
  ),
  mutant(
    'takes anything for a transaction',
    committing((commit, _store, unit, options) =>
      commit(unit, options).catch((error: unknown) => {
        if (options?.tx !== undefined && isWorkflowError(error, 'InvalidArgument')) return commit(unit)
        throw error
      }),
    ),
    'something that is no transaction is refused',
  ),
  mutant(
    'makes a batch wait for a locked row',
    (store) => {
      let blocked = false
      return {
        ...store,
        commit: async (unit, options) => {
          if (blocked && unit.changes?.[0]?.expect !== undefined && unit.changes[0].next.version === 2) return { ok: false, reason: 'busy' }
          const answer = await store.commit(unit, options)
          if (!answer.ok && answer.reason === 'busy') blocked = true
          return answer
        },
      }
    },
    'a locked row delays only its own unit',
  ),
  mutant(
    'lets one open create delay all creates',
    (store, { shared }) => ({
      ...store,
      commit: async (unit, options) => {
        while (shared.get('open') === true && unit.changes?.[0]?.expect === 'absent')
          await new Promise((resolve) => {
            setImmediate(resolve)
          })
        return store.commit(unit, options)
      },
      ...(store.transaction === undefined
        ? {}
        : {
            transaction: (work, options) =>
              (store.transaction as Transaction)(
                (tx, commit) =>
                  work(tx, async (unit) => {
                    const answer = await commit(unit)
                    shared.set('open', true)
                    return answer
                  }),
                options,
              ).finally(() => shared.set('open', false)),
          }),
    }),
    'a create that is still open elsewhere delays no other create',
  ),

  mutant(
    'goes on counting after close',
    (store) => {
      let last: Awaited<ReturnType<RecordStore['count']>> = new Map()
      return {
        ...store,
        count: (query, by) =>
          store
            .count(query, by)
            .then((counts) => {
              last = counts
              return counts
            })
            .catch(() => last),
      }
    },
    'after close every call throws Stopped',
  ),
  mutant(
    'never ends a second close',
    (store) => {
      let closing = false
      return {
        ...store,
        close: async () => {
          if (closing) return new Promise<void>(() => undefined)
          closing = true
          await store.close()
          closing = false
          closing = true
        },
      }
    },
    'closing twice is closing once',
    'after close every call throws Stopped',
    'closing waits for what is in flight',
    'closing leaves nothing alive',
    'everything is there after closing and opening again',
    'one instance closes without disturbing another',
  ),
  mutant(
    'closes over what is in flight',
    (store) => ({
      ...store,
      commit: async (unit, options) => {
        if (unit.changes?.[0]?.expect === 'absent')
          await new Promise<void>((resolve) => {
            setImmediate(resolve)
          })
        return store.commit(unit, options)
      },
    }),
    'closing waits for what is in flight',
    'units of one run that are in flight together keep their order',
  ),
  mutant(
    'leaves a timer alive',
    (store, { clock }) => {
      clock.setTimer(1e9, () => undefined)
      return store
    },
    'closing leaves nothing alive',
  ),
  mutant(
    'gives each of those that open at once a database of its own',
    (store, { shared, clock }) => {
      const opening = Number(shared.get('opening') ?? 0)
      shared.set('opening', opening + 1)
      setImmediate(() => shared.set('opening', 0))
      return opening > 0 ? memory({ clock, transaction: () => ({}) }).recordStore : store
    },
    'several instances may open a new backend at once',
    'of writers in several instances exactly one commits',
    'an instance sees at once what another one has committed',
    'of racing triggers of one foreign id exactly one creates a run',
    'another instance recognises a unit',
    'nobody sees a transaction before it has committed',
    'a create that is still open elsewhere delays no other create',
    'closing waits for what is in flight',
    'everything is there after closing and opening again',
    'one instance closes without disturbing another',
  ),
  mutant(
    'closes the database for everybody',
    (store, { shared }) => ({
      ...store,
      commit: async (unit, options) => {
        if (shared.has('closed')) await store.close()
        return store.commit(unit, options)
      },
      close: async () => {
        shared.set('closed', true)
        await store.close()
      },
    }),
    'one instance closes without disturbing another',
    'everything is there after closing and opening again',
  ),
  mutant(
    'calls a listener for lost connections when it is added',
    (store) => ({
      ...store,
      onConnectionLost: (listener) => {
        listener()
        return store.onConnectionLost(listener)
      },
    }),
    'a listener for lost connections can be added and taken away',
    'a lost connection is told to every listener that is still there',
  ),
  mutant(
    'keeps one listener for lost connections',
    (store) => {
      let only: Disposable | undefined
      return {
        ...store,
        onConnectionLost: (listener) => {
          only?.[Symbol.dispose]()
          only = store.onConnectionLost(listener)
          return only
        },
      }
    },
    'a lost connection is told to every listener that is still there',
  ),
]
