/**
 * The workflow of a log: its statuses are the log's activities, its transitions those that some case has made. The next
 * activity of a case comes by a timeout where the same resource does it, and by a callback where another one does.
 */
import { type AnyWorkflow, at, type TimerValue, unchecked, workflow } from '@workflow/core'
import type { EventLog, LoggedEvent } from './event-log.ts'

/** What a case is at after its last event. */
export const endOfCase = 'end of case'

/** A transition of a case, or its beginning. */
export interface Move {
  readonly to: string
  readonly at: Date
  readonly by: 'trigger' | 'callback' | 'timeout'
}

/** Every case as its moves; the last one leads to the end, at the time of the last event. */
export function movesOf(log: EventLog): ReadonlyMap<string, readonly Move[]> {
  return new Map([...log].map(([name, events]) => [name, movesOfCase(events)]))
}

function movesOfCase(events: readonly LoggedEvent[]): readonly Move[] {
  const moves: Move[] = events.map(({ activity: to, at: when, resource }, i) => ({
    to,
    at: when,
    by: i === 0 ? 'trigger' : events[i - 1]?.resource === resource ? 'timeout' : 'callback',
  }))
  const last = moves.at(-1)
  return last === undefined ? moves : [...moves, { to: endOfCase, at: last.at, by: 'callback' }]
}

/** What the replay needs of a builder whose statuses are known at run time only. */
interface LooseBuilder {
  addCallback(from: string, handler: (run: CaseRun, payload: { readonly to: string }) => Promise<string>): LooseBuilder
  addTimeout(from: string, timer: (run: CaseRun) => TimerValue | undefined, handler: (run: CaseRun) => Promise<string>): LooseBuilder
  build(infrastructure: object): CaseWorkflow
}

interface CaseRun {
  readonly foreignId: string
  readonly object: { moves: number }
}

/** What the replay needs of the built workflow. */
export interface CaseWorkflow extends AnyWorkflow {
  run(): Promise<void>
  stop(): Promise<void>
  trigger(foreignId: string, options: { initialValue: { moves: number }; startAt: string }): Promise<string>
  callback(target: { runId: string }, status: string, payload: { to: string }): Promise<unknown>
}

/** Builds the workflow of a log on infrastructure, any number of times. */
export function loggedWorkflow(name: string, moves: ReadonlyMap<string, readonly Move[]>): (infrastructure: object) => CaseWorkflow {
  const graph = graphOf(moves)
  const contract = workflow(name, {
    object: unchecked<{ moves: number }>(),
    // Known at run time only: the compiler is told nothing of the statuses.
    graph: Object.fromEntries(graph) as never,
    payloads: Object.fromEntries(
      [...graph].filter(([, exits]) => exits.callback !== undefined).map(([status]) => [status, unchecked<{ to: string }>()]),
    ) as never,
  })
  const following = (run: CaseRun): Move | undefined => moves.get(run.foreignId)?.[run.object.moves]
  let builder = contract as unknown as LooseBuilder
  for (const [status, exits] of graph) {
    if (exits.callback !== undefined) {
      builder = builder.addCallback(status, async (run, { to }) => {
        run.object.moves += 1
        return to
      })
    }
    if (exits.timeout !== undefined) {
      const timer = (run: CaseRun): TimerValue | undefined => {
        const next = following(run)
        return next?.by === 'timeout' ? at(next.at) : undefined
      }
      builder = builder.addTimeout(status, timer, async (run) => {
        const next = following(run)
        if (next === undefined) throw new Error(`case ${run.foreignId} has no move ${run.object.moves}`)
        run.object.moves += 1
        return next.to
      })
    }
  }
  return (infrastructure) => builder.build(infrastructure)
}

function graphOf(
  moves: ReadonlyMap<string, readonly Move[]>,
): ReadonlyMap<string, { readonly callback?: readonly string[]; readonly timeout?: readonly string[] }> {
  const exits = new Map<string, { callback: Set<string>; timeout: Set<string> }>()
  for (const all of moves.values()) {
    for (const [i, { to, by }] of all.entries()) {
      if (!exits.has(to)) exits.set(to, { callback: new Set(), timeout: new Set() })
      const from = all[i - 1]?.to
      if (from !== undefined && by !== 'trigger') exits.get(from)?.[by].add(to)
    }
  }
  return new Map(
    [...exits].map(([status, { callback, timeout }]) => [
      status,
      {
        ...(callback.size === 0 ? {} : { callback: [...callback] }),
        ...(timeout.size === 0 ? {} : { timeout: [...timeout] }),
      },
    ]),
  )
}
