/** A lock held elsewhere delays the unit that needs it, and nobody else. */
import { checkEqual, checkPresent, checkThat } from '../check.ts'
import { createUnit, moved, moveUnit, newRun } from '../runs.ts'
import { allHistory, checkOk, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Cases about rows that are locked by somebody else. */
export const locksDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'a locked row delays only its own unit',
    needs: ['rowLocks'],
    test: async ({ openStore, backend, within, eventually }) => {
      const store = await openStore()
      const lockRun = checkPresent(backend.lockRun, 'a harness with rowLocks has `lockRun`')
      const locked = await runAt(store, newRun())
      const others = await Promise.all(Array.from({ length: 20 }, () => runAt(store, newRun())))
      const unit = moveUnit(locked, moved(locked))
      let answered = false
      let held: Promise<unknown>
      {
        await using _lock = await lockRun(locked.runId)
        held = store.commit(unit).then((answer) => {
          answered = true
          return answer.ok ? 'ok' : answer.reason
        })
        const moves = [...others.map((run) => store.commit(moveUnit(run, moved(run)))), store.commit(createUnit(newRun()))]
        const answers = await within(Promise.all(moves), 'a locked row delays only its own unit')
        checkThat(
          answers.every(({ ok }) => ok),
          'a locked row delays only its own unit',
          JSON.stringify(answers.map((answer) => (answer.ok ? 'ok' : answer.reason))),
        )
        if (answered) checkEqual(await held, 'busy', 'a unit that meets a lock waits, or answers busy')
      }
      await within(held, 'a unit that meets a lock is answered in the end')
      const last = await eventually(async () => {
        const answer = await store.commit(unit)
        return answer.ok || answer.reason !== 'busy' ? answer : undefined
      }, 'a unit goes through when the lock is gone')
      checkOk(last, 'a unit goes through when the lock is gone')
      checkEqual(
        (await allHistory(store, locked.runId)).map(({ version }) => version),
        [1, 2],
        'a unit that was busy commits once',
      )
    },
  },
  {
    name: 'a create that is still open elsewhere delays no other create',
    needs: ['transactions', 'concurrentWriters', 'multiInstance'],
    test: async ({ openStore, within }) => {
      const [one, two] = [await openStore(), await openStore()]
      const run = newRun()
      const { promise: release, resolve } = Promise.withResolvers<void>()
      const { promise: created, resolve: wrote } = Promise.withResolvers<void>()
      const transaction = checkPresent(one.transaction, 'a store with transactions has `transaction`')
      const open = transaction(
        async (_tx, commit) => {
          await commit(createUnit(run))
          wrote()
          await release
        },
        { signal: new AbortController().signal },
      )
      await within(created, 'a transaction runs its work')
      const rival = createUnit(newRun({ foreignId: run.foreignId }))
      const blocked = two.commit(rival)
      const others = Array.from({ length: 20 }, () => newRun())
      const answers = await within(
        Promise.all(others.map((each) => two.commit(createUnit(each)))),
        'an uncommitted create delays no other create',
      )
      answers.forEach((answer) => checkOk(answer, 'an uncommitted create delays no other create'))
      resolve()
      await within(open, 'a transaction comes to an end')
      const first = await within(blocked, 'a create that meets an uncommitted one is answered in the end')
      const last = first.ok || first.reason !== 'busy' ? first : await two.commit(rival)
      checkEqual(last.ok ? 'ok' : last.reason, 'in-progress', 'one unfinished run per foreign id, also across open transactions')
    },
  },
]
