/** Deleting a run's data: `rewrite` meets every payload of one run, changes nothing else, and can be called again. */
import type { NextRecord, Payload, PayloadPlace, RecordStore } from '@workflow/core/adapter'
import { checkEqual, checkThat } from '../check.ts'
import { changeOf, historyOf, item, moved, moveUnit, newId, newRun, note, payload, slotsCount, textOf, workflowName } from '../runs.ts'
import { newTimer } from '../timers.ts'
import { allHistory, allItems, allTimers, commitOk, everything, outboxEvents, runAt } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

const scrubbed = payload('scrubbed')

/** A run that has a payload in every place. */
async function runWithData(store: RecordStore): Promise<NextRecord> {
  const run = newRun({ object: payload('secret object') })
  const id = newId('unit')
  await commitOk(store, {
    id,
    changes: [changeOf(id, run)],
    append: ['a', 'b'].map((each) => ({ ...item(run.runId, each, { body: payload(`secret ${each}`) }), ifUnfinished: true })),
  })
  const paused = moved(run, {
    object: payload('secret object'),
    runState: 'Paused',
    pause: { by: 'person', reason: payload('secret pause') },
  })
  const moveId = newId('unit')
  const history = historyOf(paused, moveId, run, { reason: payload('secret reason'), error: payload('secret error') })
  const [first] = await allItems(store, run.runId)
  await commitOk(store, {
    id: moveId,
    changes: [changeOf(moveId, paused, run, { history })],
    attempts: [note(paused, { error: payload('secret note') })],
    timers: [
      { put: newTimer({ key: { owner: run.runId }, data: payload('secret timer') }) },
      { put: newTimer({ key: { owner: run.runId } }) },
    ],
    consume: [{ runId: run.runId, stream: 'inbox', through: first?.pos ?? 0 }],
  })
  return paused
}

/** Every text that can be read of a run's payloads. */
async function payloadsOf(store: RecordStore, runId: string): Promise<readonly string[]> {
  const record = await store.lookup(runId)
  const history = await allHistory(store, runId)
  const payloads = [
    record?.object,
    record?.pause?.reason,
    ...(record?.attempts ?? []).map(({ error }) => error),
    ...history.flatMap(({ object, reason, error }) => [object, reason, error]),
    ...(await allItems(store, runId)).map(({ body }) => body),
    ...(await allTimers(store, runId)).map(({ data }) => data),
  ]
  return payloads.filter((each): each is Payload => each !== undefined).map(textOf)
}

/** Cases about `rewrite`. */
export const rewriteDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'rewriting replaces every payload of the run',
    test: async ({ openStore }) => {
      const store = await openStore()
      const { runId } = await runWithData(store)
      const met: string[] = []
      await store.rewrite(runId, async (found) => {
        met.push(textOf(found))
        return scrubbed
      })
      checkEqual(
        [...new Set(await payloadsOf(store, runId))],
        ['scrubbed'],
        'rewrite replaces every payload that can be read: record, history, items, notes, timers',
      )
      const secrets = [
        'secret a',
        'secret b',
        'secret error',
        'secret note',
        'secret object',
        'secret pause',
        'secret reason',
        'secret timer',
      ]
      checkEqual(
        [...new Set(met)].filter((text) => text !== 'scrubbed').sort(),
        secrets,
        'rewrite meets every payload that the store has, consumed items included',
      )
    },
  },
  {
    name: 'rewriting says where each payload stood',
    test: async ({ openStore }) => {
      const store = await openStore()
      const { runId } = await runWithData(store)
      const places = new Set<string>()
      const placeOf = (text: string, { kind, version }: PayloadPlace): string =>
        `${text}: ${kind}${version === undefined ? '' : ` of version ${version}`}`
      await store.rewrite(runId, async (found, place) => {
        places.add(placeOf(textOf(found), place))
        return found
      })
      for (const expected of [
        'secret object: object of version 1',
        'secret object: object of version 2',
        'secret reason: reason of version 2',
        'secret error: error of version 2',
        'secret note: error of version 2',
        'secret a: item',
        'secret b: item',
        'secret timer: timer',
      ])
        checkThat(
          places.has(expected),
          '`scrub` is told the kind of each payload, and its version for history entries and notes',
          `no "${expected}" in ${[...places].join(', ')}`,
        )
      checkThat(
        [...places].some((place) => place.startsWith('secret pause: reason')),
        '`scrub` is told the kind of each payload',
        `the reason of the pause is not among ${[...places].join(', ')}`,
      )
    },
  },
  {
    name: 'rewriting changes nothing but payloads and wakes nobody',
    test: async ({ openStore, quiet }) => {
      const store = await openStore()
      const { runId } = await runWithData(store)
      const before = await everything(store, runId)
      await store.rewrite(runId, async (found) => ({ ...found }))
      checkEqual(await everything(store, runId), before, 'rewrite with equal payloads changes nothing')
      await store.rewrite(runId, async () => payload('new', { codec: 'tombstone', schema: 9, subject: 'x' }))
      const record = await store.lookup(runId)
      checkEqual(record?.version, 2, 'rewrite never changes a version')
      checkEqual(
        record?.object,
        payload('new', { codec: 'tombstone', schema: 9, subject: 'x' }),
        'rewrite stores the whole payload: bytes, codec, schema and subject',
      )
      const events = (await outboxEvents(store, workflowName, slotsCount, quiet)).filter((event) => event.runId === runId)
      checkEqual(events.length, 2, 'rewrite wakes nobody')
    },
  },
  {
    name: 'rewriting leaves other runs alone',
    test: async ({ openStore }) => {
      const store = await openStore()
      const [one, two] = [await runWithData(store), await runWithData(store)]
      const before = await everything(store, two.runId)
      await store.rewrite(one.runId, async () => scrubbed)
      await store.rewrite(newId('run'), async () => scrubbed)
      checkEqual(await everything(store, two.runId), before, 'rewrite touches one run')
    },
  },
  {
    name: 'rewriting that failed half-way is completed by another call',
    test: async ({ openStore }) => {
      const store = await openStore()
      const { runId } = await runWithData(store)
      const failure = new Error('the scrubber failed')
      for (let calls = 1; calls < 8; calls += 2) {
        let left = calls
        const failed = await store
          .rewrite(runId, async () => {
            if (left-- === 0) throw failure
            return scrubbed
          })
          .then(
            () => undefined,
            (error: unknown) => error,
          )
        checkEqual(failed, failure, 'rewrite rejects with what `scrub` throws')
      }
      await store.rewrite(runId, async () => scrubbed)
      checkEqual([...new Set(await payloadsOf(store, runId))], ['scrubbed'], 'rewrite that is called again completes what was left')
    },
  },
  {
    name: 'rewriting never undoes a move that happens meanwhile',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const next = moved(run)
      let moving: Promise<unknown> | undefined
      await store.rewrite(run.runId, async () => {
        moving ??= commitOk(store, moveUnit(run, next))
        await moving
        return scrubbed
      })
      const record = await store.lookup(run.runId)
      checkEqual(record?.version, 2, 'rewrite never changes a version')
      checkThat(
        ['scrubbed', textOf(next.object)].includes(textOf(record?.object ?? payload('nothing'))),
        'rewrite puts no older object over a newer one',
        textOf(record?.object ?? payload('nothing')),
      )
      checkEqual(
        (await allHistory(store, run.runId)).map(({ version }) => version),
        [1, 2],
        'rewrite adds and drops no history',
      )
    },
  },
]
