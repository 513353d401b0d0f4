/** Stores that write what they should not, or not what they should. */
import type { CommitResult, NextRecord, RecordStore, Unit } from '@workflow/core/adapter'
import type { StoreChanger } from '../memory-harness.ts'
import { committing, freshId, onRefusal, overCurrent, units, withNext } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

const ok = (seqs: readonly bigint[] = [1n]): CommitResult => ({ ok: true, replayed: false, final: true, seqs })

/** Whether the first change of a unit fits what is stored now. */
async function fits(store: RecordStore, unit: Unit): Promise<boolean> {
  const change = unit.changes?.[0]
  if (change === undefined) return true
  const current = await store.lookup(change.next.runId)
  return current === undefined ? change.expect === 'absent' : change.expect === current.version
}

/** Applies what arrives in one turn of the event loop in another order, or as one. */
function batching(run: (commit: RecordStore['commit'], batch: readonly Unit[]) => Promise<readonly CommitResult[]>): StoreChanger {
  return (store) => {
    let batch: { readonly unit: Unit; readonly resolve: (answer: CommitResult) => void; readonly reject: (error: unknown) => void }[] = []
    const flush = async (): Promise<void> => {
      const now = batch
      batch = []
      try {
        const answers = await run(
          store.commit,
          now.map(({ unit }) => unit),
        )
        now.forEach(({ resolve }, n) => resolve(answers[n] ?? { ok: false, reason: 'busy' }))
      } catch (error) {
        for (const { reject } of now) reject(error)
      }
    }
    return {
      ...store,
      commit: (unit, options) =>
        options?.tx !== undefined
          ? store.commit(unit, options)
          : new Promise((resolve, reject) => {
              if (batch.length === 0) queueMicrotask(() => void flush())
              batch.push({ unit, resolve, reject })
            }),
    }
  }
}

export const writingMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'says that a unit takes one run only',
    (store) => ({ ...store, capabilities: { ...store.capabilities, atomicRuns: 'one' } }),
    'the store says of itself what the harness says',
  ),
  mutant(
    'forgets who triggered',
    units((unit) => withNext(unit, ({ parent: _parent, ...next }) => next)),
    'a created run is found as it was written',
    'a parent and its children move in one unit',
    'a query keeps the runs that fit every field of it',
    'unfinished children are counted per join, up to a limit',
    'texts of every script and sign come back as they were',
    'a NUL in any text is refused, and its neighbours notice nothing',
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'finds a run for every id',
    (store, { shared }) => ({
      ...store,
      commit: (unit, options) => {
        shared.set('last', unit.changes?.[0]?.next)
        return store.commit(unit, options)
      },
      lookup: async (runId) => (await store.lookup(runId)) ?? ({ ...(await store.list({}, { limit: 1 })).items[0], seq: 0n } as never),
    }),
    'a run that nobody created is not found',
    'a change of a run that does not exist is a conflict',
    'many look-ups at once each find their own run',
    'a refused create leaves no trace of its run',
    'a unit of several runs of which one is refused leaves nothing',
    'a unit with a field that nobody knows is refused before anything is written',
    'a NUL in any text is refused, and its neighbours notice nothing',
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
    'values that no database keeps are refused, and their neighbours notice nothing',
    'a purged run is gone with all that it owns',
    'work that rejects takes its units back',
    'an aborted transaction takes its units back',
    'nobody sees a transaction before it has committed',
    'units of one transaction see each other, and one that is refused leaves the rest',
    "a unit becomes part of the caller's own transaction",
    'something that is no transaction is refused',
  ),
  mutant(
    'keeps metadata that a change leaves out',
    units(async (unit, store) => {
      const before = await store.lookup(unit.changes?.[0]?.next.runId ?? '')
      return withNext(unit, (next) => ({ ...next, metadata: { ...before?.metadata, ...next.metadata } }))
    }),
    'every field of a record follows its change',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'writes over newer versions',
    onRefusal(async (store, unit, answer) => {
      const change = unit.changes?.[0]
      if (
        answer.reason !== 'conflict' ||
        unit.changes?.length !== 1 ||
        change === undefined ||
        typeof change.expect !== 'number' ||
        change.ifEmpty !== undefined
      )
        return undefined
      const current = answer.current?.version ?? 0
      if (current > change.expect) return store.commit(overCurrent(unit, current))
      return undefined
    }),
    'a change over an older version is refused and changes nothing',
    'of fifty writers of one version exactly one commits',
    'of writers in several instances exactly one commits',
    'another unit with the same content is a conflict',
    'a unit whose append meets another version leaves nothing',
    'a conflict shows the notes of the run',
  ),
  mutant(
    'writes versions ahead of their time',
    onRefusal(async (store, unit, answer) => {
      const change = unit.changes?.[0]
      if (answer.reason !== 'conflict' || unit.changes?.length !== 1 || change === undefined || typeof change.expect !== 'number')
        return undefined
      const current = answer.current?.version ?? Number.MAX_SAFE_INTEGER
      if (current < change.expect) return store.commit(overCurrent(unit, current))
      return undefined
    }),
    'a change over a version that is not there yet is refused',
    'a batch of hundreds answers each unit for itself',
  ),
  mutant(
    'creates what it should change',
    onRefusal(async (store, unit, answer) => {
      const change = unit.changes?.[0]
      if (answer.reason !== 'conflict' || answer.current !== undefined || change === undefined || change.expect === 'absent')
        return undefined
      const [created] = overCurrent(unit, 0).changes ?? []
      if (created !== undefined) return store.commit({ ...unit, changes: [{ ...created, expect: 'absent' }] })
      return undefined
    }),
    'a change of a run that does not exist is a conflict',
  ),
  mutant(
    'creates over an existing run',
    onRefusal(async (store, unit, answer) => {
      if (answer.reason === 'conflict' && unit.changes?.[0]?.expect === 'absent' && answer.current !== undefined)
        return store.commit(overCurrent(unit, answer.current.version))
      return undefined
    }),
    'a create of a run id that exists is a conflict',
  ),
  mutant(
    'looks, then writes, and tells every writer that it won',
    committing(async (commit, store, unit, options) => {
      const fitted = await fits(store, unit)
      const answer = await commit(unit, options)
      return !answer.ok && answer.reason === 'conflict' && fitted && unit.append === undefined && unit.changes?.[0]?.ifEmpty === undefined
        ? ok()
        : answer
    }),
    'of fifty writers of one version exactly one commits',
    'of writers in several instances exactly one commits',
  ),
  mutant(
    'reads from a replica that hears of the commits of others later',
    (store, { shared }) => ({
      ...store,
      commit: async (unit, options) => {
        const answer = await store.commit(unit, options)
        for (const { next } of answer.ok ? (unit.changes ?? []) : []) shared.set(next.runId, { by: store, next })
        return answer
      },
      latest: async (workflowName, foreignId) => {
        const record = await store.latest(workflowName, foreignId)
        const last = shared.get(record?.runId ?? '') as { readonly by: RecordStore; readonly next: NextRecord } | undefined
        return record !== undefined && last?.by !== store && record.version > 3 ? { ...record, version: record.version - 1 } : record
      },
    }),
    'an instance sees at once what another one has committed',
  ),
  mutant(
    'writes a batch backwards',
    batching(async (commit, batch) => (await Promise.all(batch.toReversed().map((unit) => commit(unit)))).toReversed()),
    'units of one run that are in flight together keep their order',
    'a unit with a field that nobody knows is refused before anything is written',
    'a NUL in any text is refused, and its neighbours notice nothing',
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
    'values that no database keeps are refused, and their neighbours notice nothing',
    'closing waits for what is in flight',
  ),
  mutant(
    'answers one refusal to its whole batch',
    batching(async (commit, batch) => {
      const answers = await Promise.all(batch.map((unit) => commit(unit)))
      const refused = answers.length > 100 ? answers.find((answer) => !answer.ok) : undefined
      return refused === undefined ? answers : answers.map(() => refused)
    }),
    'a batch of hundreds answers each unit for itself',
    'a unit with a field that nobody knows is refused before anything is written',
    'a NUL in any text is refused, and its neighbours notice nothing',
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
    'values that no database keeps are refused, and their neighbours notice nothing',
    'closing waits for what is in flight',
  ),
  mutant(
    'throws the error of one unit at its whole batch',
    batching(async (commit, batch) => Promise.all(batch.map((unit) => commit(unit)))),
    'a NUL in any text is refused, and its neighbours notice nothing',
    'a unit with a field that nobody knows is refused before anything is written',
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
    'values that no database keeps are refused, and their neighbours notice nothing',
    'closing waits for what is in flight',
  ),
  mutant(
    'answers a coalesced look-up by its place',
    (store) => {
      let batch: string[] = []
      let flushing: Promise<ReadonlyMap<number, Awaited<ReturnType<RecordStore['lookup']>>>> | undefined
      return {
        ...store,
        lookup: async (runId) => {
          const place = batch.length
          batch.push(runId)
          flushing ??= Promise.resolve().then(async () => {
            const ids = [...new Set(batch)]
            batch = []
            flushing = undefined
            return new Map(await Promise.all(ids.map(async (id, n) => [n, await store.lookup(id)] as const)))
          })
          return (await flushing).get(place)
        },
      }
    },
    'many look-ups at once each find their own run',
  ),
  mutant(
    'answers seqs for creations only',
    committing(async (commit, _store, unit, options) => {
      const answer = await commit(unit, options)
      return answer.ok && !answer.replayed && typeof unit.changes?.[0]?.expect === 'number' ? { ...answer, seqs: [] } : answer
    }),
    'seqs grow with every creation, in the order of the changes',
    'a change that is sent again is recognised',
    'a replay brings back nothing that later units ended',
    'a replay repeats none of its timer operations',
    'a unit of several runs that is sent again is recognised as a whole',
  ),
  mutant(
    'looks for an unfinished run, then creates',
    committing(async (commit, store, unit, options) => {
      const next = unit.changes?.[0]?.next
      const free = next !== undefined && (await store.latest(next.workflowName, next.foreignId)) === undefined
      const answer = await commit(unit, options)
      return !answer.ok && answer.reason === 'in-progress' && free ? ok() : answer
    }),
    'of racing triggers of one foreign id exactly one creates a run',
  ),
  mutant(
    'leaves the run of a refused create behind',
    onRefusal(async (store, unit, answer) => {
      if (answer.reason === 'in-progress' && answer.current?.runState === 'Running')
        await store.commit(withNext({ ...unit, id: `${unit.id}` }, (next) => ({ ...next, foreignId: freshId() })))
    }),
    'a refused create leaves no trace of its run',
  ),
  mutant(
    'lets a paused run lose its foreign id',
    onRefusal(async (store, unit, answer) => {
      if (answer.reason === 'in-progress' && answer.current?.runState === 'Paused')
        return store.commit(withNext(unit, (next) => ({ ...next, foreignId: freshId() })))
      return undefined
    }),
    'a finished run frees its foreign id and a paused one keeps it',
  ),
  mutant(
    'asks for free foreign ids before the unit, not in it',
    committing(async (commit, store, unit, options) => {
      if ((unit.changes?.length ?? 0) < 2) return commit(unit, options)
      for (const { expect, next } of unit.changes ?? []) {
        const current = await store.latest(next.workflowName, next.foreignId)
        if (expect === 'absent' && current !== undefined && current.finishedAt === undefined)
          return { ok: false, reason: 'in-progress', runId: next.runId, current }
      }
      return commit(unit, options)
    }),
    'a unit may finish a run and start the next one of its foreign id',
  ),
  mutant(
    'takes foreign ids without their case',
    units((unit) =>
      withNext(unit, (next) => (next.foreignId.startsWith('Order') ? { ...next, foreignId: next.foreignId.toLowerCase() } : next)),
    ),
    'foreign ids are the same only when every character is',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'takes workflow names without their case',
    units((unit) => withNext(unit, (next) => ({ ...next, workflowName: next.workflowName.toLowerCase() }))),
    'workflows do not share foreign ids',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'takes the latest run by the clock',
    (store) => ({
      ...store,
      latest: async (workflowName, foreignId) =>
        (await store.list({ workflowName, foreignId }, { limit: 100 })).items.toSorted(
          (a, b) => b.createdAt.getTime() - a.createdAt.getTime(),
        )[0],
    }),
    'latest is the run that was created last, whatever clocks say',
    'a unit may finish a run and start the next one of its foreign id',
    'a note is found with its run and moves nothing',
  ),
]
