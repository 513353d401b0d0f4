/** Stores that get the parts of a unit, inboxes or notes wrong. */
import type { Append, CommitResult, RecordStore, Unit } from '@workflow/core/adapter'
import type { StoreChanger } from '../memory-harness.ts'
import { committing, freshId, onRefusal, units } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

/** The unit without some of its fields, under an id of its own. */
function without(unit: Unit, ...fields: readonly (keyof Unit)[]): Unit {
  return Object.fromEntries(Object.entries(unit).filter(([field]) => !fields.includes(field as keyof Unit))) as unknown as Unit // Holds: `id` is never left out.
}

/** Commits what is left of a refused unit, and says all the same that it was refused. */
function leavesTheRest(
  when: (unit: Unit, answer: CommitResult & { readonly ok: false }) => boolean,
  rest: (unit: Unit) => Unit,
): StoreChanger {
  return onRefusal(async (store, unit, answer) => {
    if (when(unit, answer)) await store.commit(rest(unit))
  })
}

const unknownTo = async (store: RecordStore, append: Append): Promise<boolean> =>
  !(await store.items(append.runId, append.stream, { limit: 1_000 })).items.some(({ id }) => id === append.id)
const full = (unit: Unit): boolean => unit.changes !== undefined && unit.timers !== undefined && unit.emit !== undefined
const oneChange = (unit: Unit): boolean => unit.changes?.length === 1

export const partsMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'forgets what full units emit',
    units((unit) => (full(unit) ? without(unit, 'emit') : unit)),
    'all parts of a unit are written',
  ),
  mutant(
    'writes a unit whose append met a finished run',
    leavesTheRest(
      (unit, answer) => full(unit) && answer.reason === 'finished',
      (unit) => without(unit, 'append'),
    ),
    'a unit whose append is refused for a finished run leaves nothing',
  ),
  mutant(
    'writes a unit whose append met another version',
    leavesTheRest(
      (unit, answer) => full(unit) && answer.reason === 'conflict' && oneChange(unit) && unit.changes?.[0]?.ifEmpty === undefined,
      (unit) => without(unit, 'append'),
    ),
    'a unit whose append meets another version leaves nothing',
  ),
  mutant(
    'writes the timers of a unit whose change was refused',
    leavesTheRest(
      (unit, answer) => full(unit) && answer.reason === 'conflict' && unit.changes?.[0]?.ifEmpty !== undefined,
      (unit) => ({ id: freshId(), ...(unit.timers === undefined ? {} : { timers: unit.timers }) }),
    ),
    'a unit whose change meets an inbox that is not empty leaves nothing',
  ),
  mutant(
    'writes the runs of a unit one by one until one is refused',
    leavesTheRest(
      (unit, answer) => full(unit) && answer.reason === 'conflict' && !oneChange(unit),
      (unit) => ({ ...unit, changes: unit.changes?.slice(0, -1) ?? [] }),
    ),
    'a unit of several runs of which one is refused leaves nothing',
  ),
  mutant(
    'forgets the last run of a unit of four',
    units((unit) => (unit.changes?.length === 4 ? { ...unit, changes: unit.changes.slice(0, 3) } : unit)),
    'a parent and its children move in one unit',
  ),
  mutant(
    'writes notes before changes',
    committing(async (commit, _store, unit, options) => {
      if (unit.attempts !== undefined && unit.changes !== undefined && unit.timers === undefined && unit.append?.[0]?.ifVersion === 2)
        await commit({ id: freshId(), attempts: unit.attempts })
      return commit(unit.append?.[0]?.ifVersion === 2 && unit.changes !== undefined ? without(unit, 'attempts') : unit, options)
    }),
    'a later part of a unit sees the earlier ones',
  ),
  mutant(
    'asks whether a run is finished before the unit, not in it',
    units(async (unit, store) => {
      const append = await Promise.all(
        (unit.append ?? []).map(async (each) => ({
          ...each,
          ifUnfinished: each.ifUnfinished && (await store.lookup(each.runId))?.runState !== 'Running',
        })),
      )
      return unit.changes?.[0]?.next.finishedAt === undefined || unit.append === undefined ? unit : { ...unit, append }
    }),
    'an append to a run that its own unit finishes is refused',
  ),
  mutant(
    'leaves out fields that it does not know',
    units(
      ({ id, changes, append, consume, timers, attempts, emit }) =>
        Object.fromEntries(
          Object.entries({ id, changes, append, consume, timers, attempts, emit }).filter(([, part]) => part !== undefined),
        ) as unknown as Unit,
    ),
    'a unit with a field that nobody knows is refused before anything is written',
  ),

  mutant(
    'sorts items by id',
    (store) => ({
      ...store,
      items: async (runId, stream, page) => {
        const read = await store.items(runId, stream, page)
        return read.items.length === 3 && read.items[0]?.id === 'c'
          ? { ...read, items: read.items.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
          : read
      },
    }),
    'items wait in the order of their commits, apart by run and stream',
  ),
  mutant(
    'takes a known item again when its body is another',
    units(async (unit, store) => {
      const append = await Promise.all(
        (unit.append ?? []).map(async (each) => {
          const known = (await store.items(each.runId, each.stream, { limit: 1_000 })).items.find(({ id }) => id === each.id)
          return known !== undefined && known.body.bytes.join() !== each.body.bytes.join() ? { ...each, id: freshId() } : each
        }),
      )
      return unit.append === undefined ? unit : { ...unit, append }
    }),
    'an item id that is known changes nothing, consumed or not',
  ),
  mutant(
    'looks at the conditions of an item that it knows',
    committing(async (commit, store, unit, options) => {
      for (const each of unit.changes === undefined ? (unit.append ?? []) : []) {
        const current = await store.lookup(each.runId)
        if (each.ifVersion !== undefined && current !== undefined && current.version !== each.ifVersion && !(await unknownTo(store, each)))
          return { ok: false, reason: 'conflict', runId: each.runId, current }
      }
      return commit(unit, options)
    }),
    'a known item id wins over every condition',
  ),
  mutant(
    'consumes one item too many',
    units((unit) =>
      unit.changes === undefined && unit.consume?.[0]?.through === 2
        ? { ...unit, consume: unit.consume.map((each) => ({ ...each, through: each.through + 1 })) }
        : unit,
    ),
    'consuming goes through one position and leaves later items',
  ),
  mutant(
    'takes items for runs that nobody knows',
    onRefusal(async (_store, _unit, answer) =>
      answer.reason === 'finished' && answer.current === undefined ? { ok: true, replayed: false, final: true, seqs: [] } : undefined,
    ),
    'an item for an unfinished run is refused by a finished or unknown one',
  ),
  mutant(
    'takes items for versions to come',
    units(async (unit, store) => {
      const append = await Promise.all(
        (unit.append ?? []).map(async (each) => {
          const { ifVersion: _ifVersion, ...rest } = each
          return each.ifVersion !== undefined && each.ifVersion > ((await store.lookup(each.runId))?.version ?? 0) ? rest : each
        }),
      )
      return unit.append === undefined || unit.changes !== undefined ? unit : { ...unit, append }
    }),
    'an item for one version is refused by every other',
  ),
  mutant(
    'lets a unit that consumes something pass a full inbox',
    units((unit) =>
      unit.consume === undefined || full(unit)
        ? unit
        : { ...unit, changes: (unit.changes ?? []).map(({ ifEmpty: _ifEmpty, ...change }) => change) },
    ),
    'a change that needs an empty inbox is refused while items wait there',
  ),
  mutant(
    'counts the items of every stream',
    committing(async (commit, store, unit, options) => {
      const change = unit.changes?.[0]
      const signals = change?.ifEmpty === 'inbox' ? await store.items(change.next.runId, 'signals', { limit: 1 }) : { items: [] }
      return signals.items.length > 0 && change !== undefined
        ? { ok: false, reason: 'conflict', runId: change.next.runId, current: await store.lookup(change.next.runId) }
        : commit(unit, options)
    }),
    'items of another stream or consumed ones do not make an inbox full',
  ),
  mutant(
    'asks for an empty inbox, then writes',
    committing(async (commit, store, unit, options) => {
      const change = unit.changes?.[0]
      if (change?.ifEmpty === undefined || unit.consume !== undefined || full(unit)) return commit(unit, options)
      const empty = (await store.items(change.next.runId, change.ifEmpty, { limit: 1 })).items.length === 0
      const { ifEmpty: _ifEmpty, ...rest } = change
      const callbacks = await commit(empty ? { ...unit, changes: [rest] } : unit, options)
      return empty && !callbacks.ok ? { ok: true, replayed: false, final: true, seqs: [1n] } : callbacks
    }),
    'of a callback and the transition that would miss it exactly one commits',
  ),
  mutant(
    'loses the last item of a page that is not the last',
    (store) => ({
      ...store,
      items: async (runId, stream, page) => {
        const read = await store.items(runId, stream, page)
        return read.next === undefined ? read : { ...read, items: read.items.slice(0, -1) }
      },
    }),
    'pages of items hold every item once while items are added',
  ),

  mutant(
    'forgets when the next attempt is due',
    units((unit) => ({
      ...unit,
      ...(unit.attempts === undefined ? {} : { attempts: unit.attempts.map(({ retryAt: _retryAt, ...rest }) => rest) }),
    })),
    'a note is found with its run and moves nothing',
  ),
  mutant(
    'keeps the first note of a process',
    units(async (unit, store) => {
      if (unit.attempts === undefined || unit.changes !== undefined || unit.timers !== undefined || unit.consume !== undefined) return unit
      const known = (await Promise.all(unit.attempts.map(({ runId }) => store.lookup(runId)))).flatMap((record) => record?.attempts ?? [])
      return {
        ...unit,
        attempts: unit.attempts.filter(
          (note) => !known.some(({ process, version }) => process === note.process && version === note.version),
        ),
      }
    }),
    'a later note of the same process replaces the earlier one',
  ),
  mutant(
    'lets a late note set a count of failures back',
    committing(async (commit, _store, unit, options) => {
      const late = unit.attempts?.every(({ instance }) => ['late', 'again'].includes(instance)) === true
      if (late && unit.attempts !== undefined)
        await commit({ id: freshId(), attempts: unit.attempts.map((each) => ({ ...each, kind: 'skipped' as const })) })
      return commit(unit, options)
    }),
    'a note that comes late sets no count of failures back',
  ),
  mutant(
    'takes notes for versions to come as notes for this one',
    units(async (unit, store) => {
      const attempts = await Promise.all(
        (unit.attempts ?? []).map(async (note) => ({
          ...note,
          version: Math.min(note.version, (await store.lookup(note.runId))?.version ?? note.version),
        })),
      )
      return unit.attempts === undefined || unit.changes !== undefined ? unit : { ...unit, attempts }
    }),
    'a note for a version that is not the current one is dropped in silence',
  ),
  mutant(
    'says that a run without notes has an empty list of them',
    (store) => ({
      ...store,
      lookup: async (runId) => {
        const record = await store.lookup(runId)
        return record !== undefined &&
          record.version === 2 &&
          record.attempts === undefined &&
          record.foreignId.startsWith('foreign-') &&
          (await store.history(runId, { limit: 1, objects: false })).items.length > 0
          ? { ...record, attempts: [] }
          : record
      },
    }),
    'notes go when the run moves',
    'every field of a record follows its change',
    'of fifty writers of one version exactly one commits',
    'of writers in several instances exactly one commits',
    'an instance sees at once what another one has committed',
    'listed records are whole, without their attempts',
    'purging spares unfinished and younger runs',
    'purging keeps to its query and its limit',
  ),
  mutant(
    'shows conflicts without notes',
    onRefusal(async (_store, _unit, answer) => {
      if (answer.reason === 'busy' || answer.current === undefined) return
      const { attempts: _attempts, ...current } = answer.current
      return { ...answer, current }
    }),
    'a conflict shows the notes of the run',
  ),
]
