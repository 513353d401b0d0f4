/** Units inside a transaction that is not the store's own: they become part of it, and nothing is said before it has committed. */
import type { CommitResult, RecordStore, Unit } from '@workflow/core/adapter'
import { checkEqual, checkPresent, checkRejects, checkRejectsWith } from '../check.ts'
import { createUnit, item, moved, moveUnit, newId, newRun, slotsCount, workflowName } from '../runs.ts'
import { newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, checkOk, checkRefused, everything, outboxEvents, runAt, withoutSeq } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

type Work<T> = (commit: (unit: Unit) => Promise<CommitResult>, tx: unknown) => Promise<T>

function transact<T>(store: RecordStore, work: Work<T>, signal: AbortSignal = new AbortController().signal): Promise<T> {
  const transaction = checkPresent(store.transaction, 'a store with transactions has `transaction`')
  return transaction((tx, commit) => work(commit, tx), { signal })
}

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: resolve, passed: promise }
}

/** Cases about `transaction` and `CommitOptions.tx`. */
export const transactionsDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'what a transaction commits is there when it has resolved',
    needs: ['transactions'],
    test: async ({ openStore, within, quiet }) => {
      const store = await openStore()
      const [run, other] = [newRun(), newRun()]
      const unit = createUnit(run, {
        append: [{ ...item(run.runId, 'a'), ifUnfinished: true }],
        timers: [{ put: newTimer({ key: { owner: run.runId } }) }],
      })
      const result = await within(
        transact(store, async (commit) => {
          const answers = [
            checkOk(await commit(unit), 'a unit commits inside a transaction'),
            checkOk(await commit(createUnit(other)), 'a transaction takes several units'),
          ]
          checkEqual(
            answers.map(({ final, replayed }) => [final, replayed]),
            [
              [false, false],
              [false, false],
            ],
            'units inside a transaction answer `final: false`',
          )
          return 'done'
        }),
        'a transaction comes to an end',
      )
      checkEqual(result, 'done', 'a transaction answers what its work answers')
      checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'what a transaction commits is there')
      checkEqual(withoutSeq(await store.lookup(other.runId)), other, 'what a transaction commits is there')
      checkEqual(
        [(await allItems(store, run.runId)).length, (await allTimers(store, run.runId)).length],
        [1, 1],
        'every part of its units is there',
      )
      const events = await outboxEvents(store, workflowName, slotsCount, quiet)
      checkEqual(
        events.map(({ runId }) => runId).sort(),
        [run.runId, other.runId].sort(),
        'events of a transaction are sent once it has committed',
      )
      const again = checkOk(await store.commit(unit), 'a unit of a transaction is recognised')
      checkEqual([again.replayed, again.final], [true, true], 'a unit of a committed transaction is recognised afterwards')
    },
  },
  {
    name: 'work that rejects takes its units back',
    needs: ['transactions'],
    test: async ({ openStore, within, quiet }) => {
      const store = await openStore()
      const existing = await runAt(store, newRun())
      const before = await everything(store, existing.runId)
      const run = newRun()
      const failure = new Error('the business said no')
      await within(
        checkRejectsWith(
          transact(store, async (commit) => {
            checkOk(await commit(createUnit(run)), 'a unit commits inside a transaction')
            checkOk(
              await commit(
                moveUnit(existing, moved(existing), {
                  append: [{ ...item(existing.runId, 'a'), ifUnfinished: true }],
                  timers: [{ put: newTimer({ key: { owner: existing.runId } }) }],
                }),
              ),
              'a unit commits inside a transaction',
            )
            throw failure
          }),
          failure,
          'a transaction rejects with what its work rejects with',
        ),
        'a transaction comes to an end',
      )
      checkEqual(await store.lookup(run.runId), undefined, 'a transaction that rolls back leaves nothing')
      checkEqual(await everything(store, existing.runId), before, 'a transaction that rolls back leaves nothing')
      checkEqual((await outboxEvents(store, workflowName, slotsCount, quiet)).length, 1, 'a transaction that rolls back sends no event')
      checkOk(await store.commit(createUnit(newRun({ foreignId: run.foreignId }))), 'a transaction that rolls back frees what it had taken')
    },
  },
  {
    name: 'an aborted transaction takes its units back',
    needs: ['transactions'],
    test: async ({ openStore, within }) => {
      const store = await openStore()
      const run = newRun()
      const stop = new AbortController()
      const reason = new Error('enough')
      const ended = transact(
        store,
        async (commit) => {
          checkOk(await commit(createUnit(run)), 'a unit commits inside a transaction')
          stop.abort(reason)
          return new Promise<never>(() => undefined)
        },
        stop.signal,
      )
      await within(
        checkRejectsWith(ended, reason, 'an aborted transaction rejects with the reason'),
        'an aborted transaction ends, whatever its work does',
      )
      checkEqual(await store.lookup(run.runId), undefined, 'an aborted transaction leaves nothing')
      checkOk(
        await within(store.commit(createUnit(run)), 'an aborted transaction frees the store'),
        'an aborted transaction frees what it had taken',
      )
    },
  },
  {
    name: 'nobody sees a transaction before it has committed',
    needs: ['transactions'],
    test: async ({ openStore, capabilities, within, quiet }) => {
      const store = await openStore()
      const reader = capabilities.multiInstance ? await openStore() : store
      const run = newRun()
      const [written, looked] = [gate(), gate()]
      let ended = false
      const transaction = transact(store, async (commit) => {
        await commit(createUnit(run))
        written.open()
        await looked.passed
      }).finally(() => {
        ended = true
      })
      await within(written.passed, 'a transaction runs its work')
      const [seen, latest] = [reader.lookup(run.runId), reader.latest(run.workflowName, run.foreignId)].map((read) =>
        read.then((record) => (ended ? 'waited' : record)),
      )
      await quiet()
      looked.open()
      await within(transaction, 'a transaction comes to an end')
      for (const answer of [await seen, await latest])
        checkEqual(answer === 'waited' ? undefined : answer, undefined, 'an open transaction shows nothing to others')
      checkEqual(withoutSeq(await reader.lookup(run.runId)), run, 'a committed transaction shows everything')
    },
  },
  {
    name: 'units of one transaction see each other, and one that is refused leaves the rest',
    needs: ['transactions'],
    test: async ({ openStore, within }) => {
      const store = await openStore()
      const run = newRun()
      const rival = newRun({ foreignId: run.foreignId })
      await within(
        transact(store, async (commit) => {
          const create = createUnit(run)
          checkOk(await commit(create), 'a unit commits inside a transaction')
          checkOk(await commit(moveUnit(run, moved(run))), 'a unit sees the ones before it in its transaction')
          checkRefused(
            await commit(moveUnit(run, moved(run))),
            'conflict',
            run.runId,
            'a unit inside a transaction is refused like any other',
          )
          checkRefused(await commit(createUnit(rival)), 'in-progress', rival.runId, 'a unit inside a transaction is refused like any other')
          const again = checkOk(await commit(create), 'a unit is recognised inside its own transaction')
          checkEqual([again.replayed, again.final], [true, false], 'a replay inside a transaction is not final either')
          await checkRejects(
            () => commit(createUnit(newRun({ runId: '' }))),
            'InvalidArgument',
            'an invalid unit throws inside a transaction, too',
          )
        }),
        'a transaction comes to an end',
      )
      checkEqual((await store.lookup(run.runId))?.version, 2, 'a refused unit leaves the rest of its transaction')
      checkEqual(await store.lookup(rival.runId), undefined, 'a refused unit writes nothing')
      checkEqual((await allHistory(store, run.runId)).length, 2, 'every version has one entry')
    },
  },
  {
    name: 'many transactions at once all come to an end',
    needs: ['transactions'],
    test: async ({ openStore, within }) => {
      const store = await openStore()
      const runs = Array.from({ length: 30 }, () => newRun())
      await within(
        Promise.all(
          runs.map((run) =>
            transact(store, async (commit) => {
              await store.lookup(run.runId)
              checkOk(await commit(createUnit(run)), 'a unit commits inside a transaction')
            }),
          ),
        ),
        'transactions that read through the store do not wait for each other for ever',
      )
      for (const run of runs) checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'each of many transactions commits')
    },
  },
  {
    name: 'a transaction that was aborted before never starts',
    needs: ['transactions'],
    test: async ({ openStore, within }) => {
      const store = await openStore()
      const reason = new Error('too late')
      let started = false
      await within(
        checkRejectsWith(
          transact(
            store,
            async () => {
              started = true
            },
            AbortSignal.abort(reason),
          ),
          reason,
          'a transaction with an aborted signal rejects with its reason',
        ),
        'an aborted transaction ends',
      )
      checkEqual(started, false, 'a transaction with an aborted signal does not start its work')
    },
  },
  {
    name: "a unit becomes part of the caller's own transaction",
    needs: ['callerTransactions'],
    test: async ({ open, backend, quiet }) => {
      const instance = await open()
      const store = instance.port
      const begin = checkPresent(backend.begin, 'a harness with callerTransactions has `begin`')
      const [kept, dropped] = [newRun(), newRun()]
      for (const run of [dropped, kept]) {
        const transaction = await begin(instance)
        const answer = checkOk(await store.commit(createUnit(run), { tx: transaction.tx }), "a unit commits inside a caller's transaction")
        checkEqual(answer.final, false, "a unit inside a caller's transaction answers `final: false`")
        await (run === kept ? transaction.commit() : transaction.rollBack())
      }
      checkEqual(withoutSeq(await store.lookup(kept.runId)), kept, "a unit is there once the caller's transaction has committed")
      checkEqual(await store.lookup(dropped.runId), undefined, "a unit is gone when the caller's transaction rolls back")
      checkEqual(
        (await outboxEvents(store, workflowName, slotsCount, quiet)).map(({ runId }) => runId),
        [kept.runId],
        "events follow the caller's transaction",
      )
    },
  },
  {
    name: 'something that is no transaction is refused',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      for (const tx of [{}, 'tx', 42, null]) {
        await checkRejects(
          () => store.commit(createUnit(run), { tx }),
          'InvalidArgument',
          `a \`tx\` that is no transaction of this store is refused (${JSON.stringify(tx)})`,
        )
      }
      checkEqual(await store.lookup(run.runId), undefined, 'a refused unit writes nothing')
      checkOk(await store.commit(createUnit(run), { tx: undefined }), 'an absent transaction is none')
      checkEqual(await store.lookup(newId('run')), undefined, 'the store goes on afterwards')
    },
  },
]
