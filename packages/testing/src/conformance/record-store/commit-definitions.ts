/** A change goes only over exactly its expected version, and reads see it at once. */
import { checkEqual, checkPresent, checkThat } from '../check.ts'
import { changeOf, createUnit, finished, moved, moveUnit, newId, newRun } from '../runs.ts'
import { allHistory, checkOk, checkRefused, commitOk, everything, runAt, withoutSeq } from './reading.ts'
import type { RecordStoreCase } from './record-store-scope.ts'

const writersCount = 50

/** Cases about single changes. */
export const commitDefinitions: readonly RecordStoreCase[] = [
  {
    name: 'the store says of itself what the harness says',
    test: async ({ openStore, capabilities }) => {
      const store = await openStore()
      checkEqual(store.capabilities.transactions, capabilities.transactions, '`capabilities.transactions` is what the harness declares')
      checkEqual(
        store.capabilities.atomicRuns,
        capabilities.atomicRuns ? 'any' : 'one',
        '`capabilities.atomicRuns` is what the harness declares',
      )
      checkEqual(
        typeof store.transaction,
        capabilities.transactions ? 'function' : 'undefined',
        '`transaction` is there exactly where transactions are',
      )
    },
  },
  {
    name: 'a created run is found as it was written',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun({
        metadata: { region: 'eu' },
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        parent: { workflowName: 'shop', runId: newId('parent'), join: 'waiting/3' },
        runState: 'Initiated',
      })
      const answer = await commitOk(store, createUnit(run))
      checkEqual(
        [answer.replayed, answer.final, answer.seqs.length],
        [false, true, 1],
        'a first commit is new and final and gives one seq per change',
      )
      checkEqual(await store.lookup(run.runId), { ...run, seq: answer.seqs[0] }, 'lookup finds the record as it was written')
    },
  },
  {
    name: 'a run that nobody created is not found',
    test: async ({ openStore }) => {
      const store = await openStore()
      checkEqual(await store.lookup(newId('run')), undefined, 'lookup of an unknown run answers undefined')
      checkEqual(await store.latest('orders', newId('foreign')), undefined, 'latest of an unknown foreign id answers undefined')
      checkEqual(await allHistory(store, newId('run')), [], 'an unknown run has no history')
    },
  },
  {
    name: 'every field of a record follows its change',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = await runAt(store, newRun({ metadata: { a: '1' }, runState: 'Initiated' }))
      const seq = checkPresent(await store.lookup(first.runId), 'lookup finds a created run').seq
      const paused = moved(first, {
        status: 'paid',
        runState: 'Paused',
        repeat: 3,
        metadata: { b: '2' },
        writer: { graph: 'graph-2', schema: 7 },
        pause: { by: 'engine', reason: first.object, resumeAt: new Date(Date.UTC(2026, 5, 1)) },
      })
      await commitOk(store, moveUnit(first, paused))
      checkEqual(await store.lookup(first.runId), { ...paused, seq }, 'a change replaces every field of the record and keeps its seq')
      const ended = finished(paused)
      await commitOk(store, moveUnit(paused, ended))
      checkEqual(await store.lookup(first.runId), { ...ended, seq }, 'fields that a change leaves out are gone')
    },
  },
  {
    name: 'a change over an older version is refused and changes nothing',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = newRun()
      const second = await runAt(store, first, 2)
      const before = await everything(store, first.runId)
      const refused = checkRefused(
        await store.commit(moveUnit(first, moved(first, { status: 'late' }))),
        'conflict',
        first.runId,
        'a change goes only over exactly its expected version',
      )
      checkEqual(withoutSeq(refused.current), second, 'a conflict shows the run as stored')
      checkEqual(await everything(store, first.runId), before, 'a refused change writes nothing')
    },
  },
  {
    name: 'a change over a version that is not there yet is refused',
    test: async ({ openStore }) => {
      const store = await openStore()
      const first = await runAt(store, newRun())
      const ahead = moved(first, { version: 2 })
      checkRefused(
        await store.commit(moveUnit(ahead, moved(ahead))),
        'conflict',
        first.runId,
        'a change goes only over exactly its expected version',
      )
      checkEqual((await store.lookup(first.runId))?.version, 1, 'a refused change writes nothing')
    },
  },
  {
    name: 'a change of a run that does not exist is a conflict',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = newRun()
      const refused = checkRefused(
        await store.commit(moveUnit(run, moved(run))),
        'conflict',
        run.runId,
        'a change of an unknown run is a conflict',
      )
      checkEqual(refused.current, undefined, 'nothing stands in the way of an unknown run')
      checkEqual(await store.lookup(run.runId), undefined, 'a refused change writes nothing')
    },
  },
  {
    name: 'a create of a run id that exists is a conflict',
    test: async ({ openStore }) => {
      const store = await openStore()
      const run = await runAt(store, newRun())
      const other = newRun({ runId: run.runId })
      const refused = checkRefused(await store.commit(createUnit(other)), 'conflict', run.runId, 'a create needs an unknown run id')
      checkEqual(withoutSeq(refused.current), run, 'a conflict shows the run as stored')
      checkEqual(withoutSeq(await store.lookup(run.runId)), run, 'a refused create writes nothing')
      checkEqual(await store.latest(other.workflowName, other.foreignId), undefined, 'a refused create writes nothing')
    },
  },
  {
    name: 'of fifty writers of one version exactly one commits',
    test: async ({ openStore }) => {
      const store = await openStore()
      let record = await runAt(store, newRun())
      for (let round = 0; round < 5; round++) {
        const previous = record
        const rivals = Array.from({ length: writersCount }, (_, writer) => moved(previous, { metadata: { writer: String(writer) } }))
        const answers = await Promise.all(rivals.map((next) => store.commit(moveUnit(previous, next))))
        const winners = rivals.filter((_, writer) => answers[writer]?.ok === true)
        checkEqual(winners.length, 1, 'of racing units on one run exactly one commits')
        checkEqual(
          withoutSeq(await store.lookup(record.runId)),
          winners[0],
          'the record is what the unit wrote that was told that it committed',
        )
        record = winners[0] ?? record
      }
      checkEqual(
        (await allHistory(store, record.runId)).map(({ version }) => version),
        [1, 2, 3, 4, 5, 6],
        'a history has each version once',
      )
    },
  },
  {
    name: 'of writers in several instances exactly one commits',
    needs: ['multiInstance'],
    test: async ({ openStore }) => {
      const stores = [await openStore(), await openStore(), await openStore()]
      const record = await runAt(checkPresent(stores[0], 'open'), newRun())
      const rivals = Array.from({ length: writersCount }, (_, writer) => moved(record, { metadata: { writer: String(writer) } }))
      const answers = await Promise.all(
        rivals.map((next, writer) => checkPresent(stores[writer % stores.length], 'open').commit(moveUnit(record, next))),
      )
      const winners = rivals.filter((_, writer) => answers[writer]?.ok === true)
      checkEqual(winners.length, 1, 'of racing units on one run exactly one commits, whichever instance they go through')
      for (const store of stores)
        checkEqual(withoutSeq(await store.lookup(record.runId)), winners[0], 'every instance sees what was committed')
    },
  },
  {
    name: 'an instance sees at once what another one has committed',
    needs: ['multiInstance'],
    test: async ({ openStore }) => {
      const [one, two] = [await openStore(), await openStore()]
      let record = await runAt(one, newRun())
      for (let turn = 0; turn < 10; turn++) {
        for (const reader of [one, two]) {
          checkEqual(
            withoutSeq(await reader.lookup(record.runId)),
            record,
            'lookup reads the primary: it sees every commit that was answered before',
          )
          checkEqual(
            withoutSeq(await reader.latest(record.workflowName, record.foreignId)),
            record,
            'latest reads the primary: it sees every commit that was answered before',
          )
        }
        const next = moved(record)
        await commitOk(turn % 2 === 0 ? two : one, moveUnit(record, next))
        record = next
      }
    },
  },
  {
    name: 'units of one run that are in flight together keep their order',
    test: async ({ openStore }) => {
      const store = await openStore()
      const runs = Array.from({ length: 5 }, () => newRun())
      const answers = await Promise.all(
        runs.flatMap((run) => {
          const units = [createUnit(run)]
          for (let record = run; record.version < 20; ) {
            const next = moved(record)
            units.push(moveUnit(record, next))
            record = next
          }
          return units.map((unit) => store.commit(unit))
        }),
      )
      checkThat(
        answers.every(({ ok }) => ok),
        'units of one run keep the order in which they were given',
        'a later one was refused',
      )
      for (const run of runs)
        checkEqual((await store.lookup(run.runId))?.version, 20, 'units of one run keep the order in which they were given')
    },
  },
  {
    name: 'many look-ups at once each find their own run',
    test: async ({ openStore }) => {
      const store = await openStore()
      const runs = Array.from({ length: 100 }, () => newRun())
      await Promise.all(runs.map((run) => store.commit(createUnit(run))))
      const ids = runs.flatMap(({ runId }) => [runId, newId('nobody'), runId])
      const found = await Promise.all(ids.map((runId) => store.lookup(runId)))
      checkEqual(
        found.map((record) => record?.runId),
        runs.flatMap(({ runId }) => [runId, undefined, runId]),
        'coalesced look-ups answer each caller with its own run',
      )
    },
  },
  {
    name: 'seqs grow with every creation, in the order of the changes',
    test: async ({ openStore }) => {
      const store = await openStore()
      const seqs: bigint[] = []
      for (let n = 0; n < 10; n++) {
        const run = newRun({ createdAt: new Date(Date.UTC(2030 - n, 0, 1)) })
        seqs.push(...(await commitOk(store, createUnit(run))).seqs)
        checkEqual((await store.lookup(run.runId))?.seq, seqs.at(-1), 'a commit answers the seq that the record has')
      }
      checkEqual(
        seqs,
        [...new Set(seqs)].sort((a, b) => (a < b ? -1 : 1)),
        'seqs grow with every creation, whatever clocks say',
      )
      const run = await runAt(store, newRun())
      const created = (await store.lookup(run.runId))?.seq
      const next = moved(run)
      checkEqual(
        (await commitOk(store, { id: 'move', changes: [changeOf('move', next, run)] })).seqs,
        [created],
        'a later change answers the seq of the creation',
      )
    },
  },
  {
    name: 'a batch of hundreds answers each unit for itself',
    test: async ({ openStore }) => {
      const store = await openStore()
      const runs = Array.from({ length: 200 }, () => newRun())
      const created = await Promise.all(runs.map((run) => store.commit(createUnit(run))))
      created.forEach((answer) => checkOk(answer, 'a unit of a batch commits for itself'))
      const moves = runs.map((run, n) => (n % 3 === 0 ? moveUnit(moved(run), moved(moved(run))) : moveUnit(run, moved(run))))
      const answers = await Promise.all(moves.map((unit) => store.commit(unit)))
      checkEqual(
        answers.map(({ ok }) => ok),
        runs.map((_, n) => n % 3 !== 0),
        'a refused unit concerns nobody but itself',
      )
      const versions = await Promise.all(runs.map(async ({ runId }) => (await store.lookup(runId))?.version))
      checkEqual(
        versions,
        runs.map((_, n) => (n % 3 === 0 ? 1 : 2)),
        'each unit of a batch wrote what its answer says',
      )
    },
  },
]
