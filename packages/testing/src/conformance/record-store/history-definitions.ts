/** A history holds every version once, as its change wrote it. */
import { checkEqual } from '../check.ts'
import { allPages } from '../paging.ts'
import { changeOf, historyOf, moved, moveUnit, newId, newRun, payload } from '../runs.ts'
import { allHistory, commitOk, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

/** Cases about `history`. */
export const historyDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'every version has its entry as it was written',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun({ runState: 'Initiated' })
      const next = moved(run, { status: 'paid', runState: 'Running' })
      const last = moved(next)
      const entries = [
        historyOf(run, newId('unit')),
        historyOf(next, newId('unit'), run, {
          by: 'callback',
          attempt: 4,
          durationMs: 12.5,
          actor: 'ann',
          reason: payload('why'),
          error: payload('what'),
          instance: 'worker-1',
        }),
        historyOf(last, newId('unit'), next, { by: 'person', durationMs: 0, states: ['Running', 'Paused', 'Running'] }),
      ]
      const { object: _object, ...bare } = entries[2] ?? historyOf(last, '')
      const written = [entries[0] ?? bare, entries[1] ?? bare, bare]
      await commitOk(store, { id: written[0]?.unitId ?? '', changes: [changeOf('', run, undefined, { history: written[0] ?? bare })] })
      await commitOk(store, { id: written[1]?.unitId ?? '', changes: [changeOf('', next, run, { history: written[1] ?? bare })] })
      await commitOk(store, { id: written[2]?.unitId ?? '', changes: [changeOf('', last, next, { history: bare })] })
      checkEqual(await allHistory(store, run.runId), written, 'a history holds each entry as its change wrote it, by version')
    },
  },
  {
    name: 'a history leaves out what was not asked for',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = await runAt(store, newRun(), 2)
      const paid = moved(first, { status: 'paid' })
      await commitOk(store, moveUnit(first, paid))
      const back = moved(paid, { status: 'created' })
      await commitOk(store, moveUnit(paid, back))
      const bare = await allHistory(store, first.runId, false)
      checkEqual(
        bare.map(({ object }) => object),
        [undefined, undefined, undefined, undefined],
        '`objects: false` leaves the objects out',
      )
      const read = (status: string): Promise<readonly { readonly version: number }[]> =>
        allPages((page) => store.history(first.runId, { ...page, objects: false, status }), 1)
      checkEqual(
        (await read('created')).map(({ version }) => version),
        [1, 2, 4],
        '`status` keeps the entries that lead to it',
      )
      checkEqual(
        (await read('paid')).map(({ version }) => version),
        [3],
        '`status` keeps the entries that lead to it',
      )
      checkEqual(await read('nobody'), [], '`status` keeps the entries that lead to it')
      const late = await allPages((page) => store.history(first.runId, { ...page, objects: true, fromVersion: 3 }), 1)
      checkEqual(
        late.map(({ version }) => version),
        [3, 4],
        '`fromVersion` leaves out the versions before it',
      )
    },
  },
  {
    name: 'pages of a history hold every version once while the run moves',
    test: async ({ openStore }) => {
      const store = await openStore()
      let record = await runAt(store, newRun(), 17)
      const move = async (): Promise<void> => {
        if (record.version >= 20) return
        const next = moved(record)
        await commitOk(store, moveUnit(record, next))
        record = next
      }
      const versions = (await allPages((page) => store.history(record.runId, { ...page, objects: true }), 4, move)).map(
        ({ version }) => version,
      )
      checkEqual(
        versions,
        Array.from({ length: 20 }, (_, n) => n + 1),
        'pages of a history go by version, without gaps or repeats',
      )
    },
  },
]
