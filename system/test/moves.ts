/** When which slot moved on: the commits of transitions, by the database's own clock. */
import type pg from 'pg'
import { schema } from '../../packages/postgres/test/crash/scene.ts'

export interface Move {
  readonly slot: number
  /** Milliseconds since the epoch, with fractions. */
  readonly at: number
}

/** What workers have committed: triggers and persons write from outside. */
const byWorkers = `e.entry IS NOT NULL AND e.entry::json->>0 IN ('step', 'callback', 'timeout')`

export async function movesOf(client: pg.Client): Promise<readonly Move[]> {
  const { rows } = await client.query<Move>(
    `SELECT e.slot, extract(epoch FROM pg_xact_commit_timestamp(e.xmin))::float8 * 1000 AS at
     FROM "${schema}".event e WHERE ${byWorkers} ORDER BY at`,
  )
  return rows
}

/** How many versions of runs have been committed, of whomever. */
export async function transitionsOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ readonly n: number }>(`SELECT count(*)::int AS n FROM "${schema}".event WHERE entry IS NOT NULL`)
  return rows[0]?.n ?? 0
}

/** The newest number of an event, as a text. */
export async function newestEvent(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ readonly id: string }>(`SELECT coalesce(max(id), 0)::text AS id FROM "${schema}".event`)
  return rows[0]?.id ?? '0'
}

/** The slots that have moved on since an event. */
export async function movedSince(client: pg.Client, event: string): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ readonly slot: number }>(
    `SELECT DISTINCT e.slot FROM "${schema}".event e WHERE e.id > $1 AND ${byWorkers}`,
    [event],
  )
  return new Set(rows.map(({ slot }) => slot))
}

/** Something that happened to some slots. */
export interface Incident {
  readonly what: string
  readonly slots: readonly number[]
  /** When it began, and when it was over: what stood still runs again, or the process is gone. */
  readonly began: number
  readonly over: number
  /** Until when nothing else happened. */
  readonly until: number
}

/** How long it took, per slot, in ms. */
export interface Recovery {
  readonly what: string
  readonly slot: number
  /** From its end to the next transition there. */
  readonly next: number
  /** The longest time without a transition there, from its beginning on. */
  readonly stood: number
}

/** Slots that have not moved until the next incident have stood until then, at least. */
export function recoveriesOf(incidents: readonly Incident[], moves: readonly Move[]): readonly Recovery[] {
  const bySlot = Map.groupBy(moves, ({ slot }) => slot)
  return incidents.flatMap(({ what, slots, began, over, until }) =>
    slots.map((slot) => {
      const times = (bySlot.get(slot) ?? []).map(({ at }) => at).filter((at) => at > began && at <= until)
      const next = (times.find((at) => at > over) ?? until) - over
      let [stood, before] = [0, began]
      for (const at of [...times, until]) {
        stood = Math.max(stood, at - before)
        before = at
      }
      return { what, slot, next, stood }
    }),
  )
}

/** A line per kind, as a table. */
export function tableOf(recoveries: readonly Recovery[], incidents: readonly Incident[]): string {
  const lines = [...Map.groupBy(recoveries, ({ what }) => what)]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([what, its]) => {
      const times = incidents.filter((one) => one.what === what).length
      return `| ${what} | ${times} | ${its.length} | ${spread(its.map(({ next }) => next))} | ${spread(its.map(({ stood }) => stood))} |`
    })
  const head = [
    '| what | times | slots | to the next transition, p50 / max, ms | longest standstill of a slot, p50 / max, ms |',
    '|---|---|---|---|---|',
  ]
  return [...head, ...lines].join('\n')
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `${Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)} / ${Math.round(sorted.at(-1) ?? 0)}`
}
