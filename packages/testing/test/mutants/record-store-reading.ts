/** Stores that read, list, keep or delete other things than they were given. */
import type { Payload, RecordStore, RunQuery, RunRecord } from '@workflow/core/adapter'
import { isWorkflowError } from '@workflow/core/adapter'
import type { StoreChanger } from '../memory-harness.ts'
import { committing, freshId, mapBytes, mapDates, mapTexts, records, units, withNext } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

/** Another way to list and count. */
function querying(change: (query: RunQuery) => RunQuery): StoreChanger {
  return (store) => ({
    ...store,
    list: (query, page) => store.list(change(query), page),
    count: (query, by) => store.count(change(query), by),
  })
}

/** Takes away or puts back one thing of every listed record. */
function listing(
  change: (items: readonly RunRecord[], query: RunQuery, store: RecordStore) => readonly RunRecord[] | Promise<readonly RunRecord[]>,
): StoreChanger {
  return (store) => ({
    ...store,
    list: async (query, page) => {
      const read = await store.list(query, page)
      return { ...read, items: await change(read.items, query, store) }
    },
  })
}

/** Lists by offset: what appears or goes shifts everything behind it. */
const byOffset: StoreChanger = (store) => ({
  ...store,
  list: async (query, page) => {
    const all = (await store.list({ ...query, order: 'oldest' }, { limit: 1_000 })).items
    const ordered = query.order === 'newest' ? all.toReversed() : all
    const from = page.after === undefined ? 0 : Number(page.after)
    if (!Number.isInteger(from) || page.after === '' || page.after === '0') return store.list(query, page)
    const end = from + page.limit
    return { items: ordered.slice(from, end), ...(end < ordered.length ? { next: String(end) } : {}) }
  },
})

function scrubbing(
  change: (scrub: Parameters<RecordStore['rewrite']>[1], store: RecordStore, runId: string) => Parameters<RecordStore['rewrite']>[1],
): StoreChanger {
  return (store) => ({ ...store, rewrite: (runId, scrub) => store.rewrite(runId, change(scrub, store, runId)) })
}

const page = { limit: 1_000 }
const truncatedTo =
  (length: number) =>
  (text: string): string =>
    text.slice(0, length)

export const readingMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'lists by the clock',
    listing((items) => items.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())),
    'runs are listed by their creation, from either end',
  ),
  mutant(
    'lists records with their attempts',
    listing((items, _query, store) => Promise.all(items.map(async (item) => (await store.lookup(item.runId)) ?? item))),
    'listed records are whole, without their attempts',
  ),
  mutant(
    'does not look at the join of a parent',
    querying(({ parent, ...query }) => (parent === undefined ? query : { ...query, parent: { runId: parent.runId } })),
    'a query keeps the runs that fit every field of it',
  ),
  mutant(
    'takes an empty list as no list',
    querying(({ status, ...query }) => (status === undefined || status.length === 0 ? query : { ...query, status })),
    'an empty list in a query matches nothing',
  ),
  mutant(
    'includes the end of a time',
    querying((query) =>
      query.updatedBefore === undefined ? query : { ...query, updatedBefore: new Date(query.updatedBefore.getTime() + 1) },
    ),
    'times in a query include their beginning and exclude their end',
  ),
  mutant(
    'takes dots in metadata as paths',
    querying(({ metadata, ...query }) =>
      metadata === undefined
        ? query
        : { ...query, metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key.split('.')[0] ?? key, value])) },
    ),
    'metadata fits when every pair is there, literally',
  ),
  mutant('pages by offset', byOffset, 'pages skip and repeat nothing while runs change, finish and appear'),
  mutant(
    'takes a token that nobody gave as none',
    (store) => ({
      ...store,
      list: (query, { after, ...rest }) =>
        store.list(query, after === undefined ? rest : { ...rest, after }).catch((error: unknown) => {
          if (isWorkflowError(error, 'InvalidArgument')) return store.list(query, rest)
          throw error
        }),
    }),
    'a page token that nobody gave is refused',
  ),
  mutant(
    'counts with zeros',
    (store) => ({
      ...store,
      count: async (query, by) =>
        by === 'runState'
          ? new Map([
              ...(await store.count(query, by)),
              ...(query.runState === undefined && query.status === undefined && query.workflowName !== undefined
                ? [['Cancelled', 0] as const]
                : []),
            ])
          : store.count(query, by),
    }),
    'counts are per status or run state, without the zeros',
  ),
  mutant(
    'counts the children of every join',
    (store) => ({
      ...store,
      unfinishedChildren: async (runId, join, limit) =>
        Math.min(limit, (await store.unfinishedChildren(runId, join, 1_000)) + (await store.unfinishedChildren(runId, 'waiting/4', 1_000))),
    }),
    'unfinished children are counted per join, up to a limit',
  ),

  mutant(
    'rounds how long an attempt took',
    (store) => ({
      ...store,
      history: async (runId, options) => {
        const read = await store.history(runId, options)
        return {
          ...read,
          items: read.items.map((entry) =>
            entry.durationMs === undefined ? entry : { ...entry, durationMs: Math.round(entry.durationMs) },
          ),
        }
      },
    }),
    'every version has its entry as it was written',
  ),
  mutant(
    'takes the status of a history as where an entry came from',
    (store) => ({
      ...store,
      history: async (runId, { status, ...options }) => {
        const read = await store.history(runId, options)
        return status === undefined ? read : { ...read, items: read.items.filter(({ from }) => from === status) }
      },
    }),
    'a history leaves out what was not asked for',
  ),
  mutant(
    'loses the last entry of a page that is not the last',
    (store) => ({
      ...store,
      history: async (runId, options) => {
        const read = await store.history(runId, options)
        return read.next === undefined || options.limit === 1 ? read : { ...read, items: read.items.slice(0, -1) }
      },
    }),
    'pages of a history hold every version once while the run moves',
  ),

  mutant(
    'keeps three bytes per character',
    units((unit) => mapTexts(unit, (text) => text.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?'))),
    'texts of every script and sign come back as they were',
    'events come back as they were, whatever is in them',
  ),
  mutant(
    'cuts names at 191 characters',
    units((unit) => withNext(unit, (next) => ({ ...next, status: truncatedTo(191)(next.status) }))),
    'names of the longest length come back whole',
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'cuts payloads at 65,535 bytes',
    units((unit) => mapBytes(unit, (bytes) => (bytes.length === 1_048_576 ? bytes.slice(0, 65_535) : bytes))),
    'payloads come back byte by byte, empty ones and a megabyte as well',
  ),
  mutant(
    "keeps the caller's bytes",
    (store, { shared }) => ({
      ...store,
      commit: (unit, options) => {
        for (const { next } of unit.changes ?? []) shared.set(next.runId, next)
        return store.commit(unit, options)
      },
      lookup: async (runId) => {
        const [record, given] = [await store.lookup(runId), shared.get(runId) as RunRecord | undefined]
        return record !== undefined && given?.version === record.version && given.object.bytes.length === 9
          ? { ...record, object: given.object }
          : record
      },
    }),
    'bytes that the caller changes after the commit stay as they were stored',
  ),
  mutant(
    'keeps dates to the second',
    records((record) => mapDates(record, (date) => new Date(Math.trunc(date.getTime() / 1_000) * 1_000))),
    'dates come back to the millisecond',
  ),
  mutant(
    'sends events without their trace',
    units((unit) => ({
      ...unit,
      ...(unit.changes === undefined
        ? {}
        : {
            changes: unit.changes.map((change) => {
              const { traceparent: _traceparent, ...event } = change.event
              return { ...change, event }
            }),
          }),
    })),
    'events come back as they were, whatever is in them',
  ),
  mutant(
    'repairs lone surrogates',
    units((unit) => mapTexts(unit, (text) => text.toWellFormed())),
    'a lone surrogate in any text is refused, and its neighbours notice nothing',
  ),
  mutant(
    'repairs the run of an event',
    units((unit) => ({
      ...unit,
      ...(unit.changes === undefined
        ? {}
        : { changes: unit.changes.map((change) => ({ ...change, event: { ...change.event, version: change.next.version } })) }),
    })),
    'a unit that contradicts itself is refused, and its neighbours notice nothing',
  ),
  mutant(
    'takes a date that is none as the beginning of time',
    units((unit) => mapDates(unit, (date) => (Number.isNaN(date.getTime()) ? new Date(0) : date))),
    'values that no database keeps are refused, and their neighbours notice nothing',
  ),
  mutant(
    'takes a unit of nothing for a mistake',
    committing(async (commit, _store, unit, options) =>
      Object.keys(unit).length === 1 ? { ok: false, reason: 'busy' } : commit(unit, options),
    ),
    'a unit of nothing is answered',
  ),

  mutant(
    'leaves timers as they are when data is deleted',
    scrubbing((scrub) => async (found, place) => (place.kind === 'timer' ? found : scrub(found, place))),
    'rewriting replaces every payload of the run',
    'rewriting says where each payload stood',
    'rewriting that failed half-way is completed by another call',
  ),
  mutant(
    'does not say of which version a payload is',
    scrubbing(
      (scrub) =>
        (found, { kind }) =>
          scrub(found, { kind }),
    ),
    'rewriting says where each payload stood',
  ),
  mutant(
    'wakes a run whose data it deletes',
    (store) => ({
      ...store,
      rewrite: async (runId, scrub) => {
        await store.rewrite(runId, scrub)
        const record = await store.lookup(runId)
        if (record?.runState === 'Paused')
          await store.commit({
            id: freshId(),
            emit: [
              {
                v: 1,
                kind: 'wake',
                workflowName: record.workflowName,
                foreignId: record.foreignId,
                runId,
                version: record.version,
                status: record.status,
                states: [],
                topics: [],
                slot: 0,
                at: record.updatedAt,
              },
            ],
          })
      },
    }),
    'rewriting changes nothing but payloads and wakes nobody',
  ),
  mutant(
    'deletes the data of the run before it as well',
    (store, { shared }) => ({
      ...store,
      commit: (unit, options) => {
        for (const { expect, next } of unit.changes ?? [])
          if (expect === 'absent') shared.set('runs', [...((shared.get('runs') as readonly string[] | undefined) ?? []), next.runId])
        return store.commit(unit, options)
      },
      rewrite: async (runId, scrub) => {
        for (const each of shared.get('runs') as readonly string[]) await store.rewrite(each, scrub)
        await store.rewrite(runId, scrub)
      },
    }),
    'rewriting leaves other runs alone',
  ),
  mutant(
    'swallows what a scrubber throws',
    scrubbing((scrub) => (found: Payload, place) => scrub(found, place).catch(() => found)),
    'rewriting that failed half-way is completed by another call',
  ),
  mutant(
    'writes the record of before over a run that moved while it was scrubbed',
    (store, { shared }) => ({
      ...store,
      rewrite: async (runId, scrub) => {
        const before = await store.lookup(runId)
        await store.rewrite(runId, scrub)
        if (before !== undefined && (await store.lookup(runId))?.version !== before.version) shared.set(runId, before)
      },
      lookup: async (runId) => (shared.get(runId) as RunRecord | undefined) ?? store.lookup(runId),
    }),
    'rewriting never undoes a move that happens meanwhile',
  ),

  mutant(
    'leaves the histories of purged runs',
    (store, { shared }) => ({
      ...store,
      purge: async (query, limit) => {
        for (const { runId } of (await store.list({}, page)).items)
          shared.set(runId, await store.history(runId, { ...page, objects: true }))
        return store.purge(query, limit)
      },
      history: async (runId, options) => {
        const read = await store.history(runId, options)
        return read.items.length === 0 ? ((shared.get(runId) as typeof read | undefined) ?? read) : read
      },
    }),
    'a purged run is gone with all that it owns',
  ),
  mutant(
    'purges what finished at the date itself',
    (store) => ({
      ...store,
      purge: (query, limit) => store.purge({ ...query, finishedBefore: new Date(query.finishedBefore.getTime() + 1) }, limit),
    }),
    'purging spares unfinished and younger runs',
  ),
  mutant(
    'purges without a limit',
    (store) => ({ ...store, purge: (query) => store.purge(query, 1_000) }),
    'purging keeps to its query and its limit',
  ),
  mutant(
    'remembers the ids of purged runs',
    (store, { shared }) => ({
      ...store,
      purge: async (query, limit) => {
        for (const { runId } of (await store.list({}, page)).items) shared.set(runId, true)
        return store.purge(query, limit)
      },
      commit: async (unit, options) => {
        const next = unit.changes?.[0]?.next
        return unit.changes?.[0]?.expect === 'absent' && next !== undefined && shared.has(next.runId)
          ? { ok: false, reason: 'conflict', runId: next.runId, current: undefined }
          : store.commit(unit, options)
      },
    }),
    'a purged run id may be created again',
  ),
]
