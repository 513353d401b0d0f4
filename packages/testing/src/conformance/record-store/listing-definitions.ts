/** Lists and counts: by seq, filtered, in pages that stay stable while rows change. */
import type { NextRecord, RecordStore, RunQuery } from '@workflow/core/adapter'
import { checkEqual, checkRejects } from '../check.ts'
import { allPages } from '../paging.ts'
import { finished, moved, moveUnit, newId, newRun, note, workflowName } from '../runs.ts'
import { commitOk, runAt } from './reading.ts'
import type { RecordStoreCase, RecordStoreScope } from './record-store-scope.ts'

const day = (n: number): Date => new Date(Date.UTC(2026, 0, n))

async function createAll(
  store: RecordStore,
  count: number,
  fields: (n: number) => Partial<NextRecord> = () => ({}),
): Promise<readonly NextRecord[]> {
  const runs: NextRecord[] = []
  for (let n = 0; n < count; n++) runs.push(await runAt(store, newRun(fields(n))))
  return runs
}

function idsOf(runs: readonly { readonly runId: string }[]): readonly string[] {
  return runs.map(({ runId }) => runId)
}

/** Lists may lag behind: waits until the list is what it should become. */
async function checkList(
  { eventually }: RecordStoreScope,
  store: RecordStore,
  query: RunQuery,
  expected: readonly { readonly runId: string }[],
  promise: string,
): Promise<void> {
  let seen: readonly string[] = []
  await eventually(
    async () => {
      seen = idsOf(await allPages((page) => store.list(query, page), 3))
      return seen.length === expected.length
    },
    `${promise} (${JSON.stringify(query)})`,
  ).catch(() => undefined)
  checkEqual(seen, idsOf(expected), `${promise} (${JSON.stringify(query)})`)
}

/** Cases about `list` and `count`. */
export const listingDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'runs are listed by their creation, from either end',
    test: async (scope) => {
      const store = await scope.openStore()
      const runs = await createAll(store, 8, (n) => ({ createdAt: day(20 - n) }))
      await checkList(scope, store, {}, runs, 'lists go by seq, the oldest first')
      await checkList(scope, store, { order: 'oldest' }, runs, 'lists go by seq, the oldest first')
      await checkList(scope, store, { order: 'newest' }, [...runs].reverse(), 'lists go by seq, the newest first when asked')
    },
  },
  {
    name: 'listed records are whole, without their attempts',
    test: async ({ openStore, eventually }) => {
      const store = await openStore()
      const run = await runAt(store, newRun({ metadata: { a: 'b' } }), 2)
      const stored = await store.lookup(run.runId)
      await commitOk(store, { id: newId('unit'), attempts: [note(run)] })
      const listed = await eventually(async () => (await store.list({}, { limit: 10 })).items[0], 'list shows what was committed')
      checkEqual(listed, stored, 'list brings whole records, without their attempts')
    },
  },
  {
    name: 'a query keeps the runs that fit every field of it',
    test: async (scope) => {
      const store = await scope.openStore()
      const [a, b, c, d] = (await createAll(store, 4, (n) => ({
        foreignId: `foreign-${n}`,
        workflowName: n === 3 ? 'refunds' : workflowName,
        status: n === 1 ? 'paid' : 'created',
        runState: n === 2 ? 'Initiated' : 'Running',
        parent: { workflowName: 'shop', runId: n < 2 ? 'parent-1' : 'parent-2', join: n === 0 ? 'waiting/1' : 'waiting/2' },
      }))) as [NextRecord, NextRecord, NextRecord, NextRecord] // Holds: four were asked for.
      const check = (query: RunQuery, expected: readonly NextRecord[]): Promise<void> =>
        checkList(scope, store, query, expected, 'a query keeps the runs that fit every field')
      await check({ workflowName }, [a, b, c])
      await check({ foreignId: 'foreign-1' }, [b])
      await check({ status: ['created'] }, [a, c, d])
      await check({ status: ['created', 'paid'] }, [a, b, c, d])
      await check({ runState: ['Initiated', 'Paused'] }, [c])
      await check({ parent: { runId: 'parent-1' } }, [a, b])
      await check({ parent: { runId: 'parent-1', join: 'waiting/2' } }, [b])
      await check({ workflowName, status: ['created'], runState: ['Running'] }, [a])
      await check({ workflowName: 'nobody' }, [])
    },
  },
  {
    name: 'an empty list in a query matches nothing',
    test: async (scope) => {
      const store = await scope.openStore()
      const runs = await createAll(store, 2)
      await checkList(scope, store, {}, runs, 'a query without fields matches everything')
      await checkList(scope, store, { status: [] }, [], 'an empty list matches nothing')
      await checkList(scope, store, { runState: [] }, [], 'an empty list matches nothing')
      checkEqual(await store.count({ status: [] }, 'runState'), new Map(), 'an empty list matches nothing')
    },
  },
  {
    name: 'times in a query include their beginning and exclude their end',
    test: async (scope) => {
      const store = await scope.openStore()
      const [a, b, c] = (await createAll(store, 3, (n) => ({ createdAt: day(n + 1), updatedAt: day(n + 11) }))) as [
        NextRecord,
        NextRecord,
        NextRecord,
      ] // Holds: three were asked for.
      await checkList(scope, store, { createdAfter: day(2) }, [b, c], '`createdAfter` is inclusive')
      await checkList(scope, store, { createdBefore: day(2) }, [a], '`createdBefore` is exclusive')
      await checkList(scope, store, { updatedBefore: day(13) }, [a, b], '`updatedBefore` is exclusive')
      await checkList(scope, store, { createdAfter: day(2), createdBefore: day(3) }, [b], 'both ends hold together')
    },
  },
  {
    name: 'metadata fits when every pair is there, literally',
    test: async (scope) => {
      const store = await scope.openStore()
      const odd = { 'a.b': '1', '$[0]': 'x', '%': '_', 'quo"te\'': 'back\\slash', empty: '' }
      const [a, b] = (await createAll(store, 3, (n) => ({
        metadata: n === 0 ? odd : n === 1 ? { 'a.b': '1', region: 'eu' } : { a: 'b' },
      }))) as [NextRecord, NextRecord, NextRecord] // Holds: three were asked for.
      for (const [key, value] of Object.entries(odd))
        if (key !== 'a.b')
          await checkList(scope, store, { metadata: { [key]: value } }, [a], 'keys and values of metadata are taken literally')
      await checkList(scope, store, { metadata: { 'a.b': '1' } }, [a, b], 'every run with the pair fits')
      await checkList(scope, store, { metadata: { 'a.b': '1', region: 'eu' } }, [b], 'every pair must be there')
      await checkList(scope, store, { metadata: { region: 'us' } }, [], 'the value must be equal')
    },
  },
  {
    name: 'pages skip and repeat nothing while runs change, finish and appear',
    test: async ({ openStore }) => {
      const store = await openStore()
      const runs = [...(await createAll(store, 20))]
      let turn = 0
      const change = async (): Promise<void> => {
        for (const n of [turn, 19 - turn, 10]) {
          const run = runs[n]
          if (run === undefined || run.runState !== 'Running') continue
          const next = n === turn ? finished(run) : moved(run, { status: 'paid', updatedAt: day(30) })
          await commitOk(store, moveUnit(run, next))
          runs[n] = next
        }
        turn++
        await runAt(store, newRun())
      }
      const oldest = idsOf(
        await allPages(
          (page) => store.list({ workflowName }, page),
          4,
          async () => {
            if (turn < 5) await change()
          },
        ),
      )
      checkEqual(oldest.slice(0, 20), idsOf(runs), 'a record keeps its place while it changes')
      checkEqual(new Set(oldest).size, oldest.length, 'paging repeats no run')
      const newest = idsOf(
        await allPages(
          (page) => store.list({ workflowName, order: 'newest' }, page),
          4,
          async () => {
            if (turn < 10) await change()
          },
        ),
      )
      checkEqual(newest.slice(-20), idsOf(runs).toReversed(), 'a record keeps its place while it changes, from the newest as well')
      checkEqual(new Set(newest).size, newest.length, 'paging repeats no run')
    },
  },
  {
    name: 'a page token that nobody gave is refused',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      for (const after of ['nonsense', '', '0', '\u2603', '"; DROP TABLE runs; --']) {
        const promise = `a text that no page gave is an InvalidArgument (${JSON.stringify(after)})`
        await checkRejects(() => store.list({}, { limit: 10, after }), 'InvalidArgument', promise)
        await checkRejects(() => store.history(run.runId, { limit: 10, after, objects: true }), 'InvalidArgument', promise)
        await checkRejects(() => store.items(run.runId, 'inbox', { limit: 10, after }), 'InvalidArgument', promise)
      }
    },
  },
  {
    name: 'counts are per status or run state, without the zeros',
    test: async ({ openStore, eventually }) => {
      const store = await openStore()
      const runs = await createAll(store, 6, (n) => ({ workflowName: n === 5 ? 'refunds' : workflowName }))
      for (const run of runs.slice(0, 2)) await commitOk(store, moveUnit(run, finished(run)))
      for (const run of runs.slice(2, 3)) await commitOk(store, moveUnit(run, moved(run, { status: 'paid', runState: 'Paused' })))
      await eventually(async () => (await store.count({}, 'runState')).get('Paused') === 1, 'count shows what was committed')
      checkEqual(
        await store.count({ workflowName }, 'status'),
        new Map([
          ['created', 2],
          ['paid', 1],
          ['done', 2],
        ]),
        'count by status counts the runs of each, without the zeros',
      )
      checkEqual(
        await store.count({ workflowName }, 'runState'),
        new Map([
          ['Running', 2],
          ['Paused', 1],
          ['Completed', 2],
        ]),
        'count by run state counts the runs of each, without the zeros',
      )
      checkEqual(await store.count({ runState: ['Completed'] }, 'status'), new Map([['done', 2]]), 'count keeps to its query')
      checkEqual(await store.count({ workflowName: 'nobody' }, 'status'), new Map(), 'count of nothing is empty')
    },
  },
  {
    name: 'unfinished children are counted per join, up to a limit',
    test: async ({ openStore }) => {
      const store = await openStore()
      const parent = (join: string, runId = 'parent-1'): Partial<NextRecord> => ({
        workflowName: 'child',
        parent: { workflowName, runId, join },
      })
      const children = await createAll(store, 5, () => parent('waiting/3'))
      await createAll(store, 1, () => parent('waiting/4'))
      await createAll(store, 1, () => parent('waiting/3', 'parent-2'))
      const promise = 'unfinishedChildren counts the unfinished runs with this parent and join'
      checkEqual(await store.unfinishedChildren('parent-1', 'waiting/3', 100), 5, promise)
      checkEqual(await store.unfinishedChildren('parent-1', 'waiting/3', 2), 2, 'unfinishedChildren counts up to its limit')
      for (const [n, child] of children.entries()) {
        const next = n === 0 ? moved(child, { runState: 'Paused' }) : finished(child, { runState: n === 1 ? 'Cancelled' : 'Completed' })
        await commitOk(store, moveUnit(child, next))
        checkEqual(await store.unfinishedChildren('parent-1', 'waiting/3', 100), 5 - n, `${promise}, at once`)
      }
      checkEqual(await store.unfinishedChildren('nobody', 'waiting/3', 100), 0, promise)
    },
  },
]
