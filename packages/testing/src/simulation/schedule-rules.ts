/** What may become of the times of a schedule: each starts one run, none before it has come, and none is passed over without a reason. */
import type { Change, CommitResult, Payload, TimerOp, Unit } from '@workflow/core/adapter'
import type { Oracle } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'

/** What is stored with the timer of a schedule, as far as it matters here. */
interface Terms {
  readonly everyMs: number
  /** Whether a time that cannot start its run yet waits, instead of being left out. */
  readonly catchUp: boolean
}

export class ScheduleRules {
  readonly #oracle: Oracle
  /** The times that have started a run, by owner. */
  readonly #started = new Map<string, Set<number>>()
  /** The times that have started one, or could not because the run before was not finished. */
  readonly #tried = new Map<string, Set<number>>()
  readonly #terms = new Map<string, Terms>()
  /** Those that somebody has asked to end, by owner. */
  readonly #ending = new Set<string>()

  constructor(oracle: Oracle) {
    this.#oracle = oracle
  }

  /** How the engine names the owner of a schedule's timer. */
  static ownerOf(workflowName: string, foreignId: string): string {
    return `schedule:${workflowName}:${foreignId}`
  }

  /** Somebody has asked for its end, or for another in its place. */
  ends(owner: string): void {
    this.#ending.add(owner)
  }

  /** How many times of it were tried. */
  triesOf(owner: string): number {
    return this.#tried.get(owner)?.size ?? 0
  }

  /** The store has answered a unit that starts a run for a time. */
  answered(unit: Unit, result: CommitResult): void {
    const [change] = unit.changes ?? []
    const time = change === undefined ? undefined : timeOf(change, unit)
    if (change !== undefined && time !== undefined && (result.ok || result.reason === 'in-progress'))
      added(this.#tried, ownerOfRun(change), time)
  }

  /** A run was created. */
  created(change: Change, unit: Unit, process: SimProcess): void {
    const time = timeOf(change, unit)
    if (time === undefined) return
    const { foreignId, metadata } = change.next
    if (time > process.clock.latest)
      this.#fail(`the schedule of '${foreignId}' has started a run ${time - process.clock.latest} ms before ${metadata['scheduledFor']}`)
    if (!added(this.#started, ownerOfRun(change), time))
      this.#fail(`the schedule of '${foreignId}' has started two runs for ${metadata['scheduledFor']}`)
  }

  /** Before timers change. */
  timers(ops: readonly TimerOp[]): void {
    for (const op of ops) {
      if ('put' in op && op.put.key.kind === 'schedule') this.#learn(op.put.key.owner, op.put.data)
      else if ('move' in op && op.move.kind === 'schedule') this.#moves(op)
      else if ('settle' in op && op.settle.kind === 'schedule' && this.#oracle.timers.find(op.settle)?.open === true) {
        if (!this.#ending.has(op.settle.owner)) this.#fail(`'${op.settle.owner}' has ended (${op.as}), and nobody has asked for that`)
      }
    }
  }

  #learn(owner: string, data: Payload | undefined): void {
    const { spec = '', catchUp = false } = storedOf(data)
    const seconds = /^@every (\d+)s$/.exec(spec)?.[1]
    if (seconds === undefined) this.#terms.delete(owner)
    else this.#terms.set(owner, { everyMs: Number(seconds) * 1_000, catchUp })
  }

  /** Back it may go, where somebody was late who knows of nothing newer: what has had its run is not given another. */
  #moves({ move: key, at }: Extract<TimerOp, { readonly move: unknown }>): void {
    const timer = this.#oracle.timers.find(key)
    const terms = this.#terms.get(key.owner)
    if (timer?.open !== true || terms === undefined || at.getTime() <= timer.atMs) return
    const { everyMs, catchUp } = terms
    const last = at.getTime() - everyMs
    for (let time = catchUp ? timer.atMs : last; time <= last; time += everyMs) {
      if ((catchUp ? this.#started : this.#tried).get(key.owner)?.has(time) === true) continue
      return this.#fail(`'${key.owner}' goes on to ${at.toISOString()}, and nothing was started for ${new Date(time).toISOString()}`)
    }
  }

  #fail(message: string): void {
    this.#oracle.fail('schedules fire once', message)
  }
}

/** The time that a unit starts a run for; a retry takes over what its run was told, and counts for none. */
function timeOf({ next }: Change, unit: Unit): number | undefined {
  const { scheduledFor } = next.metadata
  return scheduledFor === undefined || !unit.id.startsWith('schedule/') ? undefined : Date.parse(scheduledFor)
}

function ownerOfRun({ next }: Change): string {
  return ScheduleRules.ownerOf(next.workflowName, next.foreignId)
}

/** False if it was there. */
function added(times: Map<string, Set<number>>, owner: string, time: number): boolean {
  let all = times.get(owner)
  if (all === undefined) times.set(owner, (all = new Set()))
  if (all.has(time)) return false
  all.add(time)
  return true
}

const decoder = new TextDecoder()

function storedOf(data: Payload | undefined): { readonly spec?: string; readonly catchUp?: boolean } {
  // The cast holds because the simulation's engine has no codec but its own.
  return data?.codec === 'json' ? (JSON.parse(decoder.decode(data.bytes)) as ReturnType<typeof storedOf>) : {}
}
