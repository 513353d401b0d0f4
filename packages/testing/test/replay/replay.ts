/**
 * Lets every case of a log happen again, at its own times, on a virtual clock. Where two events have the same time, the
 * file's order decides. The engine can be killed on the way: then the process is over in the middle of what it did, its
 * leases are gone, and a new one goes on from the same database at the same instant.
 */
import type { AnyWorkflow } from '@workflow/core'
import { memory, memoryDatabase, type MemoryInfrastructure } from '@workflow/core/memory'
import { VirtualClock } from '../../src/virtual-clock.ts'
import { type CaseWorkflow, loggedWorkflow, type Move } from './logged-workflow.ts'

export interface ReplayOptions {
  /** Kill the engine after so many events. @default never */
  readonly killEvery?: number
  /** Looks at the workflow once everything has happened. */
  readonly atEnd?: (workflow: AnyWorkflow) => Promise<void>
}

export interface Replayed {
  readonly histories: ReadonlyMap<string, readonly Recorded[]>
  readonly kills: number
  /** How many kills came before the event in hand was committed. */
  readonly interrupted: number
  readonly byCallback: number
  readonly byTimeout: number
}

/** A move as the history has it. */
export interface Recorded extends Move {
  readonly version: number
}

interface Due extends Move {
  readonly name: string
  readonly from: string | undefined
  /** The version that it makes. */
  readonly version: number
}

/** Years pass: what is only a safety net may look once in a while. */
const seldom = '300d'
/** How many turns of the event loop one event may take. Virtual time stands still meanwhile. */
const turnsMax = 1_000
/** A dying process gets from none to almost so many turns more. */
const turnsBeforeKillMax = 4

export async function replay(name: string, moves: ReadonlyMap<string, readonly Move[]>, options: ReplayOptions = {}): Promise<Replayed> {
  const engine = new Lives(name, moves)
  const runIds = new Map<string, string>()
  const counts = { callback: 0, timeout: 0, trigger: 0 }
  let events = 0
  let kills = 0
  let interrupted = 0
  await engine.start()
  for (const due of inTime(moves)) {
    await engine.reach(due.at)
    counts[due.by] += 1
    events += 1
    const kill = options.killEvery !== undefined && events % options.killEvery === 0
    if (due.by === 'trigger') runIds.set(due.name, await engine.workflow.trigger(due.name, { initialValue: { moves: 1 }, startAt: due.to }))
    const runId = runIds.get(due.name)
    if (runId === undefined) throw new Error(`case ${due.name} has not begun`)
    if (due.by === 'callback') await engine.workflow.callback({ runId }, due.from ?? '', { to: due.to })
    // Whatever this event has set off is still in hand: handlers, commits, acknowledgements.
    if (kill) {
      const version = await engine.restart(runId, kills % turnsBeforeKillMax)
      kills += 1
      if (version < due.version) interrupted += 1
    }
    await engine.until(runId, due.version, moves.get(due.name)?.[due.version]?.by === 'timeout')
  }
  const histories = new Map<string, readonly Recorded[]>()
  for (const [caseName, runId] of runIds) histories.set(caseName, await recorded(engine.workflow, runId))
  await options.atEnd?.(engine.workflow)
  await engine.stop()
  return { histories, kills, interrupted, byCallback: counts.callback, byTimeout: counts.timeout }
}

async function recorded(workflow: CaseWorkflow, runId: string): Promise<readonly Recorded[]> {
  const { items } = await workflow.history(runId, { limit: 1_000 })
  return items.map(({ version, to, at, by }) => ({ version, to, at, by: by as Move['by'] }))
}

/** All moves of all cases by time; equal times in the order of the cases, and within a case in its own. */
function inTime(moves: ReadonlyMap<string, readonly Move[]>): readonly Due[] {
  return [...moves]
    .flatMap(([name, all]) => all.map((move, i): Due => ({ ...move, name, from: all[i - 1]?.to, version: i + 1 })))
    .sort((a, b) => a.at.getTime() - b.at.getTime())
}

/** One database and, one after the other, the processes that work on it. */
class Lives {
  readonly #clock: VirtualClock
  readonly #build: (infrastructure: object) => CaseWorkflow
  readonly #database = memoryDatabase()
  #ports: MemoryInfrastructure | undefined
  #workflow: CaseWorkflow | undefined
  readonly #ended: Promise<void>[] = []
  #life = 0

  constructor(name: string, moves: ReadonlyMap<string, readonly Move[]>) {
    const [first] = inTime(moves)
    this.#clock = new VirtualClock(first?.at ?? 0)
    this.#build = loggedWorkflow(name, moves)
  }

  get workflow(): CaseWorkflow {
    if (this.#workflow === undefined) throw new Error('the engine has not been started')
    return this.#workflow
  }

  async start(): Promise<void> {
    const clock = this.#clock
    this.#life += 1
    const instance = `life ${this.#life}`
    const ports = memory({ database: this.#database, clock, instance })
    // Roles of a database of their own: those of the process before have expired, and no time has passed.
    const { roleScheduler } = memory({ clock, instance, leaseDuration: seldom })
    this.#ports = ports
    this.#workflow = this.#build({
      ...ports,
      roleScheduler,
      clock,
      defaults: { pollingFrequency: seldom, deadline: false },
      sweepFrequency: seldom,
      awaitPollingFrequency: seldom,
    })
    await this.#workflow.run()
  }

  /** `turns` of the event loop pass before the process dies. Resolves to the version of the run at that moment. */
  async restart(runId: string, turns: number): Promise<number> {
    for (let i = 0; i < turns; i++) await turn()
    const record = await this.#ports?.recordStore.lookup(runId)
    this.#ports?.kill()
    // What is left of the dead process in this one: it can write nothing any more.
    this.#ended.push(this.workflow.stop())
    await this.start()
    return record?.version ?? 0
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#ended, this.workflow.stop()])
  }

  async reach(at: Date): Promise<void> {
    const ms = at.getTime() - this.#clock.now()
    if (ms > 0) await this.#clock.advance(ms)
  }

  /** Until the run is at a version and, where one follows, its timer is set, or has expired in the same instant. */
  async until(runId: string, version: number, timed: boolean): Promise<void> {
    const store = this.#ports?.recordStore
    for (let i = 0; i < turnsMax; i++) {
      const record = await store?.lookup(runId)
      if (record !== undefined && record.version > version) return
      if (
        record?.version === version &&
        (!timed || (await store?.timers.list({ owner: runId, status: 'open' }, { limit: 1 }))?.items.length === 1)
      )
        return
      await turn()
    }
    throw new Error(`run ${runId} has not reached version ${version}${timed ? ', or its timer is not set' : ''}`)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
