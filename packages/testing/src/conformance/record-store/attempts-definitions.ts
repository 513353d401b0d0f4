/** Notes stand beside a version: they count, they never move the run, and they go when it moves. */
import type { AttemptNote, RecordStore } from '@workflow/core/adapter'
import { checkEqual } from '../check.ts'
import { moved, moveUnit, newId, newRun, note } from '../runs.ts'
import { allHistory, commitOk, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

async function notesOf(store: RecordStore, runId: string): Promise<readonly AttemptNote[]> {
  return [...((await store.lookup(runId))?.attempts ?? [])].sort((a, b) => (a.process < b.process ? -1 : 1))
}

/** Cases about attempt notes. */
export const attemptsDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'a note is found with its run and moves nothing',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const before = await store.lookup(run.runId)
      const written = note(run, { kind: 'suspect', attempt: 3, retryAt: new Date(Date.UTC(2026, 3, 1)), instance: 'worker-7' })
      await commitOk(store, { id: newId('unit'), attempts: [written] })
      checkEqual(
        await store.lookup(run.runId),
        { ...before, attempts: [written] },
        'a note is kept beside its run and changes nothing else of it',
      )
      checkEqual((await store.latest(run.workflowName, run.foreignId))?.attempts, [written], 'latest brings the notes, too')
      checkEqual((await allHistory(store, run.runId)).length, 1, 'a note is no history entry')
    },
  },
  {
    name: 'a later note of the same process replaces the earlier one',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const [first, hook] = [note(run), note(run, { process: 'hook', attempt: 9, kind: 'skipped' })]
      await commitOk(store, { id: newId('unit'), attempts: [first, hook] })
      const { error: _error, ...second } = note(run, { attempt: 2 })
      await commitOk(store, { id: newId('unit'), attempts: [second] })
      checkEqual(await notesOf(store, run.runId), [hook, second], 'notes are unique by run, version and process; the later one replaces')
    },
  },
  {
    name: 'a note that comes late sets no count of failures back',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const [two, hook] = [note(run, { attempt: 2 }), note(run, { process: 'hook', attempt: 12 })]
      await commitOk(store, { id: newId('unit'), attempts: [two, hook] })
      const [one, again] = [note(run, { instance: 'late' }), note(run, { process: 'hook', attempt: 12, instance: 'again' })]
      await commitOk(store, { id: newId('unit'), attempts: [one, again] }, 'a note that comes late is dropped in silence')
      checkEqual(await notesOf(store, run.runId), [again, two], 'a note of fewer failures does not replace one of more')
      const other = note(run, { kind: 'skipped', instance: 'later' })
      await commitOk(store, { id: newId('unit'), attempts: [other] })
      checkEqual(await notesOf(store, run.runId), [again, other], 'a note of another kind replaces')
    },
  },
  {
    name: 'a note for a version that is not the current one is dropped in silence',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = newRun()
      const second = await runAt(store, first, 2)
      await commitOk(
        store,
        { id: newId('unit'), attempts: [note(first), note(moved(second)), note(newRun())] },
        'a note that nobody needs is dropped in silence',
      )
      checkEqual(await notesOf(store, first.runId), [], 'a note for a version that is not the current one is dropped')
    },
  },
  {
    name: 'notes go when the run moves',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      await commitOk(store, { id: newId('unit'), attempts: [note(run)] })
      const next = moved(run)
      await commitOk(store, moveUnit(run, next))
      checkEqual(
        (await store.lookup(run.runId))?.attempts,
        undefined,
        'a record shows notes of its current version only, and no list when there are none',
      )
      await commitOk(store, { id: newId('unit'), attempts: [note(next)] })
      checkEqual(
        (await notesOf(store, run.runId)).map(({ version }) => version),
        [2],
        'a new version takes notes of its own',
      )
    },
  },
  {
    name: 'a conflict shows the notes of the run',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = newRun()
      const second = await runAt(store, first, 2)
      await commitOk(store, { id: newId('unit'), attempts: [note(second)] })
      const answer = await store.commit(moveUnit(first, moved(first)))
      checkEqual(
        answer.ok || answer.reason === 'busy' ? undefined : answer.current?.attempts,
        [note(second)],
        'a refusal shows the run as stored, with its notes',
      )
    },
  },
]
