/** Stores that do not recognise a unit that they have, or one that they have not. */
import type { StoreChanger } from '../memory-harness.ts'
import { committing, freshId, mapTexts, onRefusal, onReplay, units } from './breaking-store.ts'
import { mutant, type Mutant } from './mutant.ts'

export const replayMutants: readonly Mutant<StoreChanger>[] = [
  mutant(
    'does not recognise a create',
    onReplay(async (_store, unit) =>
      unit.changes?.length === 1 && unit.changes[0]?.expect === 'absent'
        ? { ok: false, reason: 'conflict', runId: unit.changes[0].next.runId, current: undefined }
        : undefined,
    ),
    'a create that is sent again is recognised',
    'a unit is recognised after later versions',
    'a create is recognised after a newer run has its foreign id',
    'a unit that is sent again while it is in flight commits once',
    'another instance recognises a unit',
    'names of the longest length come back whole',
    'what a transaction commits is there when it has resolved',
  ),
  mutant(
    'writes a second entry for a replayed change',
    (store, { shared }) => ({
      ...store,
      commit: async (unit, options) => {
        const answer = await store.commit(unit, options)
        if (answer.ok && answer.replayed && typeof unit.changes?.[0]?.expect === 'number' && unit.changes.length === 1)
          shared.set(unit.changes[0].next.runId, unit.changes[0].history)
        return answer
      },
      history: async (runId, page) => {
        const read = await store.history(runId, page)
        const again = shared.get(runId)
        return again === undefined ? read : { ...read, items: [...read.items, again as never] }
      },
    }),
    'a change that is sent again is recognised',
    'a replay brings back nothing that later units ended',
  ),
  mutant(
    'remembers the unit of the last version only',
    onReplay(async (store, unit) => {
      const change = unit.changes?.[0]
      const current = await store.lookup(change?.next.runId ?? '')
      return change !== undefined && current !== undefined && current.version > change.next.version + 1
        ? { ok: false, reason: 'conflict', runId: change.next.runId, current }
        : undefined
    }),
    'a unit is recognised after later versions',
  ),
  mutant(
    'asks for a free foreign id before it asks for a replay',
    committing(async (commit, store, unit, options) => {
      const change = unit.changes?.[0]
      const current = change?.expect === 'absent' ? await store.latest(change.next.workflowName, change.next.foreignId) : undefined
      if (current !== undefined && change !== undefined && current.runId !== change.next.runId && current.finishedAt === undefined)
        return { ok: false, reason: 'in-progress', runId: change.next.runId, current }
      return commit(unit, options)
    }),
    'a create is recognised after a newer run has its foreign id',
    'units of one run that are in flight together keep their order',
  ),
  mutant(
    'does not recognise a unit that is in flight',
    (store) => {
      const inFlight = new Set<string>()
      return {
        ...store,
        commit: async (unit, options) => {
          if (inFlight.has(unit.id))
            return { ok: false, reason: 'conflict', runId: unit.changes?.[0]?.next.runId ?? '', current: undefined }
          inFlight.add(unit.id)
          try {
            return await store.commit(unit, options)
          } finally {
            inFlight.delete(unit.id)
          }
        },
      }
    },
    'a unit that is sent again while it is in flight commits once',
  ),
  mutant(
    'recognises a unit by what it writes',
    onRefusal(async (_store, unit, answer) => {
      const next = unit.changes?.[0]?.next
      if (
        answer.reason === 'conflict' &&
        typeof unit.changes?.[0]?.expect === 'number' &&
        answer.current?.updatedAt.getTime() === next?.updatedAt.getTime() &&
        answer.current?.version === next?.version &&
        next?.status === answer.current?.status &&
        Object.keys(next?.metadata ?? {}).length === 0 &&
        answer.current?.attempts === undefined
      )
        return { ok: true, replayed: true, final: true, seqs: [answer.current?.seq ?? 0n] }
      return undefined
    }),
    'another unit with the same content is a conflict',
    'a unit of several runs of which one is refused leaves nothing',
  ),
  mutant(
    'writes the notes of a replay again',
    onReplay(async (store, unit) => {
      await store.commit({ id: freshId(), attempts: unit.attempts ?? [] })
    }),
    'a replay brings back nothing that later units ended',
  ),
  mutant(
    'applies the timers of a replay again',
    onReplay(async (store, unit) => {
      await store.timers.apply((unit.timers ?? []).filter((op) => 'move' in op || 'hold' in op))
    }),
    'a replay repeats none of its timer operations',
  ),
  mutant(
    'sends the events of a replay again',
    onReplay(async (store, unit) => {
      await store.commit({ id: freshId(), emit: (unit.changes ?? []).map(({ event }) => event) })
    }),
    'a replay sends no second event',
  ),
  mutant(
    'recognises the first run of a unit only',
    onReplay(async (_store, _unit, answer) => ({ ...answer, seqs: answer.seqs.slice(0, 1) })),
    'a unit of several runs that is sent again is recognised as a whole',
  ),
  mutant(
    'remembers units that it has refused',
    (store) => {
      const refused = new Set<string>()
      return {
        ...store,
        commit: async (unit, options) => {
          if (unit.changes === undefined && refused.has(unit.id)) return { ok: true, replayed: true, final: true, seqs: [] }
          const answer = await store.commit(unit, options)
          if (!answer.ok) refused.add(unit.id)
          return answer
        },
      }
    },
    'a unit that was refused is not taken for committed when it is sent again',
  ),
  mutant(
    'takes items of a unit without changes each time',
    (store) => {
      const seen = new Set<string>()
      return {
        ...store,
        commit: (unit, options) => {
          const again = seen.has(unit.id) && unit.changes === undefined
          seen.add(unit.id)
          return store.commit(
            again ? { ...unit, id: freshId(), append: (unit.append ?? []).map((item) => ({ ...item, id: `${item.id} again` })) } : unit,
            options,
          )
        },
      }
    },
    'an item of a unit without changes stays consumed when the unit is sent again',
  ),
  mutant(
    'remembers units in its own process',
    (store) => {
      const own = new Set<string>()
      return {
        ...store,
        commit: async (unit, options) => {
          const answer = await store.commit(unit, options)
          const runId = unit.changes?.[0]?.next.runId
          if (answer.ok && answer.replayed && !own.has(unit.id) && runId !== undefined)
            return { ok: false, reason: 'conflict', runId, current: undefined }
          own.add(unit.id)
          return answer
        },
      }
    },
    'another instance recognises a unit',
    'everything is there after closing and opening again',
    'what a transaction commits is there when it has resolved',
  ),
  mutant(
    'strips NULs',
    units((unit) => mapTexts(unit, (text) => text.replaceAll('\0', ''))),
    'a NUL in any text is refused, and its neighbours notice nothing',
  ),
]
