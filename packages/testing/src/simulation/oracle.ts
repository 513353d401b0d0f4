/**
 * Knows how everything must be, from what it has seen committed, and says so when something is not. Each committed unit is
 * looked at once, when it is applied; nothing is ever compared as a whole before the end.
 */
import { isFinished, slotOf, type Change, type CommitResult, type RunEvent, type Unit } from '@workflow/core/adapter'
import { HandlerWatch } from './handler-watch.ts'
import { InboxRules } from './inbox-rules.ts'
import { moveRunModel, newRunModel, type RunModel } from './run-model.ts'
import { ScheduleRules } from './schedule-rules.ts'
import type { SimProcess } from './sim-process.ts'
import { TimerModel } from './timer-model.ts'
import { byGraph, creationFault, transitionFault, type ExitTable } from './transition-rules.ts'

/** A promise that was broken. */
export interface Violation {
  /** Which promise: the names of `invariants`. */
  readonly invariant: Invariant
  readonly message: string
}

/** What is held in every simulation, and by which name it is reported. */
export const invariants = {
  'no run lost': 'every run that was triggered is there, and finishes once nothing goes wrong any more',
  'one unfinished run per foreign id': 'no two unfinished runs of a workflow have the same foreign id',
  'gapless versions': 'version n + 1 comes after version n, by the unit that expected it',
  'legal path': 'every step of a run is one that its graph and its run state allow, and what its handler has decided',
  'one writer per role': 'handlers run under a valid lease, and never two at once for one run',
  'events handled': 'every committed event is acknowledged once nothing goes wrong any more',
  'timers of this stay': 'a timeout fires for the stay it was set for, while it is open, not held, and not before its time',
  'paused runs stay': 'a paused run does not move',
  'deleted data stays away': 'no payload of a run whose data was deleted is left anywhere',
  'callbacks kept': 'an accepted callback is handled, or refused because its stay is over',
  'hooks called': 'every hook is called at least once for every run that enters its state',
  'retries counted': 'attempts are counted one by one, across processes, wait for their back-off, and end where they must',
  'children joined': 'a transition starts the children that its handler asked for, and a join runs after all of them have finished',
  'schedules fire once': 'each time of a schedule starts one run, once it has come, and none is left out while it could start one',
  'rows with transitions': 'rows of a transactional step are there exactly if its transition is',
  'same key, same stay': 'the idempotency key is the same for all attempts of a stay, and for no other',
  'nothing unexpected': 'callers see documented errors only, and no process of the engine ends by itself',
} as const
export type Invariant = keyof typeof invariants

export interface OracleOptions {
  /** Exits by status, per workflow. */
  readonly workflows: ReadonlyMap<string, ExitTable>
  readonly slots: number
  /** The workflow that has hooks. */
  readonly hooked: string
  /** Which hooks it has. */
  readonly hooks: ReadonlySet<HookState>
  /** Whether it can be told which callback a handler was given. */
  readonly callbacksKnown: boolean
  /** After how many attempts a process of the engine pauses the run; undefined: never, or not known. */
  readonly attemptsMax: (process: string) => number | undefined
  readonly onViolation: (violation: Violation) => void
}

export type HookState = 'Paused' | 'Cancelled' | 'Completed' | 'DataDeleted'

export class Oracle {
  readonly runs: Map<string, RunModel> = new Map()
  readonly timers: TimerModel = new TimerModel()
  readonly handlers: HandlerWatch
  /** Hook calls that must come and have not, by `<state>/<run id>/<version>`. */
  readonly hooksDue: Set<string> = new Set()
  /** Moves that somebody has asked for: the actor's name says which. */
  readonly asked: Map<string, { readonly runId: string; readonly to: string; readonly status?: string }> = new Map()
  readonly #options: OracleOptions
  readonly #inbox: InboxRules
  readonly schedules: ScheduleRules
  readonly #unfinished = new Map<string, string>()
  readonly #rows = new Set<string>()
  /** By foreign id: how many starts were asked for and not refused. */
  readonly starts: Map<string, number> = new Map()
  readonly #sent = new WeakSet<RunEvent>()
  readonly #started = new Map<string, number>()
  /** Events of foreign streams that were handled. */
  readonly letters: Set<string> = new Set()
  readonly #unfinishedChildren = new Map<string, number>()
  /** How often each run state and each way of moving was seen. */
  readonly seen: Map<string, number> = new Map()
  violation: Violation | undefined

  constructor(options: OracleOptions) {
    this.#options = options
    this.handlers = new HandlerWatch(this, options.attemptsMax)
    this.#inbox = new InboxRules(this, options.callbacksKnown)
    this.schedules = new ScheduleRules(this)
  }

  /** Notes that a promise was broken. The first one counts. */
  fail(invariant: Invariant, message: string): void {
    if (this.violation !== undefined) return
    this.violation = { invariant, message }
    this.#options.onViolation(this.violation)
  }

  /** How many runs are not finished. */
  get unfinishedCount(): number {
    return this.#unfinished.size
  }

  /** What is short for a run: its place in the order of creation, and its version. */
  nameOf(runId: string | undefined): string {
    const run = runId === undefined ? undefined : this.runs.get(runId)
    return run === undefined
      ? `run ${runId?.slice(0, 13)}`
      : `run ${run.ordinal} (${run.foreignId}, v${run.version}, ${run.runState} at ${run.status})`
  }

  /** Looks at a unit that the store has answered. */
  answered(unit: Unit, result: CommitResult, process: SimProcess): void {
    this.schedules.answered(unit, result)
    if (!result.ok || result.replayed) return
    const before = unit.changes?.map(({ next }) => this.runs.get(next.runId)?.runState)
    for (const change of unit.changes ?? []) this.#change(change, unit, process)
    for (const append of unit.append ?? []) this.#inbox.append(append, this.runs.get(append.runId))
    for (const consume of unit.consume ?? []) this.#inbox.consume(consume, unit, this.runs.get(consume.runId))
    if (unit.timers !== undefined) {
      this.schedules.timers(unit.timers)
      this.timers.apply(unit.timers)
    }
    for (const [index, change] of unit.changes?.entries() ?? []) this.#heldWith(change, before?.[index])
    for (const note of unit.attempts ?? []) this.handlers.noted(note, this.runs.get(note.runId), process)
    for (const event of unit.emit ?? []) this.#emitted(event, process)
  }

  #change(change: Change, unit: Unit, process: SimProcess): void {
    const { next, history } = change
    process.world.timeline.note(next.version)
    const exits = this.#options.workflows.get(next.workflowName)
    if (exits === undefined)
      return this.fail(
        'legal path',
        `a run of workflow '${next.workflowName}' was committed, which is not simulated: give its definition among the children`,
      )
    if (history.unitId !== unit.id)
      this.fail('gapless versions', `${this.nameOf(next.runId)}: its history names unit ${history.unitId} instead of ${unit.id}`)
    if (change.event.slot !== slotOf(next.runId, this.#options.slots))
      this.fail('events handled', `${this.nameOf(next.runId)}: its event goes to slot ${change.event.slot}`)
    const run = this.runs.get(next.runId)
    if (run === undefined) this.#created(change, unit, exits, process)
    else this.#moved(run, change, unit, exits, process)
    this.#count(`state ${next.runState}`)
    this.#count(`by ${history.by}`)
    this.#expectHook(change)
  }

  #created(change: Change, unit: Unit, exits: ExitTable, process: SimProcess): void {
    const { next } = change
    const fault = creationFault(change, exits)
    if (fault !== undefined) this.fail('legal path', `run ${next.runId} (${next.foreignId}) ${fault}`)
    const key = `${next.workflowName}\n${next.foreignId}`
    const other = this.#unfinished.get(key)
    if (other !== undefined)
      this.fail('one unfinished run per foreign id', `${this.nameOf(other)} is not finished, and run ${next.runId} has the same foreign id`)
    this.#unfinished.set(key, next.runId)
    const run = newRunModel(this.runs.size + 1, change, process.world.timeline.us)
    this.runs.set(next.runId, run)
    if (run.parent !== undefined) this.#countChild(run.parent, 1)
    this.#started.set(run.foreignId, (this.#started.get(run.foreignId) ?? 0) + 1)
    this.schedules.created(change, unit, process)
  }

  #moved(run: RunModel, change: Change, unit: Unit, exits: ExitTable, process: SimProcess): void {
    const { next, history } = change
    const wasFinished = isFinished(run.runState)
    const fault = transitionFault(run, change, exits)
    if (fault !== undefined) this.fail(invariantOf(run, change), `${this.nameOf(run.runId)} ${fault}`)
    this.#inbox.moving(run, change, unit, exits)
    if (history.by === 'person') this.#wasAsked(run, change)
    // One that pauses the run keeps its timer, for after the resume.
    if (history.by === 'timeout' && next.runState !== 'Paused') this.#timeout(run, change, unit, process)
    if (history.by === 'join' && this.unfinishedChildren(run.runId, `${run.status}/${run.enteredVersion}`) > 0)
      this.fail('children joined', `${this.nameOf(run.runId)} was joined while children of its stay are not finished`)
    this.handlers.moving(run, change, process)
    if (byGraph.has(history.by)) this.#movedByHandler(run, change, unit, process)
    moveRunModel(run, change, process.world.timeline.us)
    if (wasFinished || !isFinished(next.runState)) return
    this.#unfinished.delete(`${next.workflowName}\n${next.foreignId}`)
    if (run.parent !== undefined) this.#countChild(run.parent, -1)
  }

  #movedByHandler(run: RunModel, change: Change, unit: Unit, process: SimProcess): void {
    const { next, history } = change
    if (next.writer.schema < run.schema)
      this.fail(
        'legal path',
        `${this.nameOf(run.runId)} was written by schema version ${run.schema}, and ${next.writer.schema} moved it by a ${history.by}`,
      )
    let children = 0
    for (const { expect, next: other } of unit.changes ?? []) if (expect === 'absent' && other.parent?.runId === run.runId) children++
    this.handlers.movedAsDecided(run, change, children, process)
  }

  /** What a pause holds, and a resume lets go. */
  #heldWith({ next }: Change, before: RunModel['runState'] | undefined): void {
    const pauses = next.runState === 'Paused'
    if (pauses === (before === 'Paused')) return
    const wrong = this.timers.open(next.runId).find(({ key, held }) => key.kind === 'timeout' && held !== pauses)
    if (wrong !== undefined)
      this.fail('timers of this stay', `${this.nameOf(next.runId)}: its timer '${wrong.key.name}' is ${pauses ? 'not held' : 'held'}`)
  }

  unfinishedChildren(runId: string, join: string): number {
    return this.#unfinishedChildren.get(`${runId}\n${join}`) ?? 0
  }

  #countChild({ runId, join }: NonNullable<RunModel['parent']>, by: number): void {
    const key = `${runId}\n${join}`
    this.#unfinishedChildren.set(key, (this.#unfinishedChildren.get(key) ?? 0) + by)
  }

  #wasAsked(run: RunModel, { next, history }: Change): void {
    const asked = this.asked.get(history.actor ?? '')
    const status = asked?.status ?? run.status
    if (asked === undefined || asked.runId !== run.runId || asked.to !== next.runState || status !== next.status)
      this.fail(
        'legal path',
        `${this.nameOf(run.runId)} became ${next.runState} at '${next.status}' by '${history.actor}', who did not ask for that`,
      )
    if (asked?.status !== undefined) this.#count('moved by hand')
  }

  #timeout(run: RunModel, { next }: Change, unit: Unit, process: SimProcess): void {
    const name = this.nameOf(run.runId)
    const settled = (unit.timers ?? []).flatMap((op) => ('settle' in op && op.settle.kind === 'timeout' ? [op.settle] : []))
    const [key] = settled
    if (key === undefined || settled.length > 1)
      return this.fail('timers of this stay', `${name} timed out and settled ${settled.length} timers`)
    const timer = this.timers.find(key)
    if (key.owner !== run.runId || key.epoch !== run.enteredVersion)
      this.fail(
        'timers of this stay',
        `${name}: the timer '${key.name}' of stay ${key.epoch} moved it to '${next.status}', and its stay is ${run.enteredVersion}`,
      )
    else if (timer?.open !== true || timer.held)
      this.fail(
        'timers of this stay',
        `${name}: the timer '${key.name}' fired and is ${timer === undefined ? 'unknown' : timer.held ? 'held' : 'settled'}`,
      )
    else if (timer.setForMs > process.clock.latest)
      this.fail('timers of this stay', `${name}: the timer '${key.name}' fired ${timer.setForMs - process.clock.latest} ms before its time`)
  }

  #emitted(event: RunEvent, process: SimProcess): void {
    const run = this.runs.get(event.runId)
    if (event.kind === 'reemit' && (run === undefined || event.version > run.version))
      this.fail('events handled', `${this.nameOf(event.runId)}: an event of version ${event.version} was sent again, which it never had`)
    if (event.kind === 'reemit' && run !== undefined) this.#soughtInVain(event, run, process)
    this.#count(`event ${event.kind}`)
  }

  /** The net below lost events must have nothing to catch where none was lost: it would hide for good that nobody sends them. */
  #soughtInVain(event: RunEvent, run: RunModel, process: SimProcess): void {
    const mayBeLost = process.world.faults.struck.some(({ kind }) => kind === 'event lost' || kind === 'clock jumps')
    // Whether the timers of the beginning stand, nobody but their own function can say.
    const perhaps = run.enteredVersion === 1 && this.#options.workflows.get(run.workflowName)?.get(run.status)?.['timeout'] !== undefined
    if (!mayBeLost && !perhaps && event.version === run.version)
      this.fail(
        'events handled',
        `nothing has come of ${this.nameOf(run.runId)} until its event was sent again, and the stream has lost none`,
      )
  }

  /** A transaction has written its rows together with its units. */
  rows(rows: readonly string[]): void {
    for (const row of rows) {
      const [runId = '', version] = row.split('/')
      const run = this.runs.get(runId)
      if (this.#rows.has(row))
        this.fail('rows with transitions', `the rows of ${this.nameOf(runId)} at version ${version} were written twice`)
      if (run === undefined || run.version <= Number(version))
        this.fail('rows with transitions', `${this.nameOf(runId)} has rows of version ${version} and has not left it`)
      this.#rows.add(row)
    }
  }

  /** In the end: whether somebody was refused who had started a run after all. */
  falseRefusal(): string | undefined {
    for (const [foreignId, asked] of this.starts) {
      const started = this.#started.get(foreignId) ?? 0
      if (started > asked) return `${started} runs of '${foreignId}' were started, and only ${asked} starts were not refused`
    }
    return undefined
  }

  /** The run's work is acknowledged: it must have been done, or something must bring it back. */
  acknowledged(event: RunEvent): void {
    const run = this.runs.get(event.runId)
    if (run === undefined || event.kind === 'wake' || event.version !== run.version) return
    if (run.runState === 'RequestedDataDeleted') {
      if (run.notes.size === 0)
        this.fail('events handled', `the wish to delete the data of ${this.nameOf(run.runId)} was acknowledged, and they are there`)
      return
    }
    const exits = this.#options.workflows.get(run.workflowName)?.get(run.status)
    if (
      exits?.['step'] === undefined ||
      (run.runState !== 'Running' && run.runState !== 'Initiated') ||
      run.notes.has(`step ${run.status}`)
    )
      return
    if (this.timers.open(run.runId).some(({ key }) => key.kind === 'retry')) return
    this.fail('events handled', `the event of ${this.nameOf(run.runId)} was acknowledged, and its step has not been done`)
  }

  /** The relay has put events into the stream. */
  sent(events: readonly RunEvent[]): void {
    for (const event of events) this.#sent.add(event)
  }

  /** The relay is done with an event. */
  relayed(event: RunEvent): void {
    if (!this.#sent.has(event))
      this.fail('events handled', `an event of ${this.nameOf(event.runId)} was taken from the outbox and not sent`)
  }

  /** The event of a hook is acknowledged. */
  hookAcknowledged(event: RunEvent, state: HookState): void {
    if (!this.hooksDue.has(`${state}/${event.runId}/${event.version}`)) return
    if (this.timers.open(`hook:${event.runId}`).length === 0)
      this.fail(
        'hooks called',
        `the event of hook ${state} of ${this.nameOf(event.runId)} was acknowledged, and the hook has not been called`,
      )
  }

  /** An event of a foreign stream is acknowledged. */
  letterAcknowledged(id: string, connector: string): void {
    if (this.letters.has(id) || this.timers.open(`connector:${connector}`).some(({ key }) => key.name.endsWith(`/${id}`))) return
    this.fail('events handled', `event '${id}' of a foreign stream was acknowledged, and has not been handled`)
  }

  /** An event of a foreign stream was handled. */
  letterHandled(id: string): void {
    this.letters.add(id)
  }

  /** A hook was called, and came back. */
  hookDone(state: HookState, runId: string, version: number): void {
    this.hooksDue.delete(`${state}/${runId}/${version}`)
    this.#count(`hook ${state}`)
  }

  #expectHook({ next, event }: Change): void {
    const state = next.runState as HookState
    if (event.topics.length > 0 && next.workflowName === this.#options.hooked && this.#options.hooks.has(state))
      this.hooksDue.add(`${state}/${next.runId}/${next.version}`)
  }

  #count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }
}

/** Which promise a change breaks. */
function invariantOf(run: RunModel, { expect, next, history }: Change): Invariant {
  if (expect !== run.version || next.version !== run.version + 1) return 'gapless versions'
  return run.runState === 'Paused' && history.by !== 'person' ? 'paused runs stay' : 'legal path'
}
