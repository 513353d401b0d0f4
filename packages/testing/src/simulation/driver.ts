/** Whoever uses the workflow from outside: triggers, calls back, pauses, cancels, moves, deletes, asks, at random, and is told the truth. */
import { isWorkflowError, type ErrorCode } from '@workflow/core'
import { isFinished } from '@workflow/core/adapter'
import type { Dice } from './dice.ts'
import type { Instance } from './instance.ts'
import type { Violation } from './oracle.ts'
import type { RunModel } from './run-model.ts'
import { ScheduleRules } from './schedule-rules.ts'
import type { LooseClient, Outline, Subject } from './subject.ts'
import type { Surroundings } from './surroundings.ts'

/** What a caller may be told; anything else is a fault. */
const expected: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'WorkflowInProgress',
  'RunNotWaiting',
  'IllegalMove',
  'StaleVersion',
  'Contention',
  'StoreUnavailable',
  'Stopped',
  'CallbackFailed',
  'AwaitTimeout',
  'RunFinished',
  'Shredded',
  // Older code meets a run of newer code.
  'StoredByNewer',
])

/** Whatever goes wrong, so much later whoever waits for the end of a run knows of it. */
const noticedUs = 45_000_000

export interface DriverOptions {
  readonly world: Surroundings
  readonly subject: Subject
  readonly outline: Outline
  readonly instances: readonly Instance[]
  readonly dice: Dice
  /** For moves by hand, so that a seed does the same with and without them. */
  readonly moveDice: Dice
  readonly runs: number
  /** Until when it does random things, in microseconds. */
  readonly untilUs: number
  /** Puts an event into a foreign stream. */
  readonly publish: (connector: string, id: string, index: number) => void
}

export class Driver {
  readonly #options: DriverOptions
  readonly #callbackStatuses: ReadonlySet<string>
  /** Runs for which something was asked that has not been answered. */
  readonly #helped = new Set<string>()
  #asked = 0
  /** Events of foreign streams that were published. */
  readonly letters: string[] = []
  /** Schedules that are not stopped, by foreign id: how many of their times were tried when things ceased to go wrong. */
  readonly #schedules = new Map<string, number | undefined>()

  constructor(options: DriverOptions) {
    this.#options = options
    this.#callbackStatuses = new Set(
      options.outline.graph.nodes.filter(({ exits }) => exits.includes('callback')).map(({ status }) => status),
    )
  }

  /** Plans everything that will be done while things go wrong. */
  begin(): void {
    const { world, dice, runs, untilUs, outline } = this.#options
    const at = (run: () => void): void => void world.timeline.plan(dice.fraction() * untilUs, 'client', 0, run)
    const foreignId = (): string => `f${dice.below(Math.max(1, Math.ceil(runs * 0.8)))}`
    for (let run = 0; run < runs; ) {
      const together = dice.chance(0.05) ? Math.min(runs - run, dice.between(2, 5)) : 1
      if (together === 1) at(() => this.#trigger(foreignId()))
      else at(() => this.#triggerMany([...new Set(Array.from({ length: together }, foreignId))]))
      run += together
    }
    for (let action = 0; action < runs; action++) at(() => this.#disturb())
    if (dice.chance(0.35)) at(() => this.#schedule())
    if (this.#options.subject.movable === true) this.#planMoves()
    for (const connector of outline.connectors) for (let letter = 0; letter < 3; letter++) at(() => this.#publish(connector))
  }

  #planMoves(): void {
    const { world, moveDice, runs, untilUs } = this.#options
    for (let move = 0; move < Math.ceil(runs / 4); move++)
      world.timeline.plan(moveDice.fraction() * untilUs, 'client', 0, () => this.#moveByHand())
  }

  /** Mostly a run that may be moved. */
  #moveByHand(): void {
    const { world, moveDice, outline } = this.#options
    const runs = [...world.oracle.runs.values()].filter(({ workflowName }) => workflowName === outline.name)
    const movable = runs.filter(({ runState, notes }) => runState === 'Paused' || (notes.size > 0 && !isFinished(runState)))
    const from = movable.length > 0 && moveDice.chance(0.9) ? movable : runs
    if (from.length === 0) return
    const run = moveDice.pick(from)
    const { status, exits } = moveDice.pick(outline.graph.nodes)
    const asks = moveDice.chance(0.5)
    const actor = `person ${++this.#asked}`
    world.oracle.asked.set(actor, { runId: run.runId, to: exits.length === 0 ? 'Completed' : 'Running', status })
    const audit = { actor, reason: `${this.#options.subject.secret ?? 'because'} move` }
    void this.#do(`move ${run.ordinal} to ${status}`, async (client) => {
      const ifVersion = asks ? (await client.previewMove(run.runId, status)).version : undefined
      await client.moveTo(run.runId, status, { ...audit, ...(ifVersion === undefined ? undefined : { ifVersion }) })
    })
  }

  #publish(connector: string): void {
    const index = this.letters.length
    this.letters.push(`${connector}-${index}`)
    this.#options.publish(connector, `${connector}-${index}`, index)
  }

  /** Once nothing goes wrong any more: does what runs wait for. Answers whether everything is over. */
  settle(): boolean {
    const { oracle } = this.#options.world
    for (const schedule of this.#schedules.keys()) if (this.#goesOn(schedule)) this.#unschedule(schedule)
    let waiting = 0
    for (const run of oracle.runs.values()) {
      if (isFinished(run.runState) && run.runState !== 'RequestedDataDeleted') continue
      waiting++
      this.#help(run)
    }
    return waiting === 0 && this.#schedules.size === 0 && this.letters.every((letter) => oracle.letters.has(letter))
  }

  /** What else it waits for, besides runs that have not come to their end; undefined: nothing. */
  unsettled(): Violation | undefined {
    const { oracle } = this.#options.world
    const letter = this.letters.find((each) => !oracle.letters.has(each))
    if (letter !== undefined) return { invariant: 'events handled', message: `event '${letter}' of a foreign stream has not been handled` }
    const [schedule] = this.#schedules.keys()
    return schedule === undefined
      ? undefined
      : { invariant: 'schedules fire once', message: `the schedule of '${schedule}' has not fired, or could not be ended` }
  }

  /** Whether a schedule has fired since things ceased to go wrong, if it was begun at all. */
  #goesOn(foreignId: string): boolean {
    const { schedules, timers } = this.#options.world.oracle
    const owner = ScheduleRules.ownerOf(this.#options.outline.name, foreignId)
    const before = this.#schedules.get(foreignId) ?? schedules.triesOf(owner)
    this.#schedules.set(foreignId, before)
    return schedules.triesOf(owner) > before || timers.open(owner).length === 0
  }

  #help(run: RunModel): void {
    if (run.workflowName !== this.#options.outline.name || this.#helped.has(run.runId)) return
    if (run.runState === 'Paused' && run.pause?.resumeAt === undefined)
      return this.#once(run, () => this.#control(run, 'resume', 'Running'))
    if (run.runState === 'Paused' || !this.#callbackStatuses.has(run.status)) return
    const inbox = run.inbox.get(`callback/${run.status}`)
    if (inbox === undefined || inbox.consumed === inbox.items.length) this.#once(run, () => this.#callback(run, run.status, false))
  }

  #once(run: RunModel, ask: () => Promise<void>): void {
    this.#helped.add(run.runId)
    // Whoever was asked may have died: then somebody else is asked.
    this.#options.world.timeline.plan(12_000_000, 'client', 0, () => this.#helped.delete(run.runId))
    void ask().then(() => this.#helped.delete(run.runId))
  }

  #trigger(foreignId: string): void {
    const { subject, world } = this.#options
    void this.#do(`trigger ${foreignId}`, async (client) => {
      const runId = await this.#counted(foreignId, client.trigger(foreignId, { initialValue: subject.initialValue(foreignId) }))
      if (!world.oracle.runs.has(runId))
        world.oracle.fail('no run lost', `trigger('${foreignId}') answered ${runId}, which was never committed`)
      if (this.#options.dice.chance(0.3)) await this.#awaitEnd(client, runId)
      else if (this.#options.dice.chance(0.1)) await this.#awaitStatus(client, runId)
    })
  }

  #triggerMany(foreignIds: readonly string[]): void {
    const { subject, world } = this.#options
    void this.#do(`trigger ${foreignIds.join(', ')} together`, async (client) => {
      const items = foreignIds.map((foreignId) => ({ foreignId, initialValue: subject.initialValue(foreignId) }))
      const started = client.triggerMany(items)
      const results = foreignIds.map((foreignId, index) =>
        this.#counted(
          foreignId,
          started.then((all) => outcomeOf(all[index])),
        ),
      )
      for (const result of await Promise.allSettled(results)) {
        if (result.status === 'fulfilled' && !world.oracle.runs.has(result.value))
          world.oracle.fail('no run lost', `triggerMany answered ${result.value}, which was never committed`)
        if (result.status === 'rejected' && !isExpected(result.reason)) throw result.reason
      }
    })
  }

  async #awaitStatus(client: LooseClient, runId: string): Promise<void> {
    const { outline, dice, world } = this.#options
    const { status } = dice.pick(outline.graph.nodes)
    const snapshot = await client.await(runId, status, { timeout: '60s' })
    if (snapshot.status !== status)
      world.oracle.fail('nothing unexpected', `await('${status}') answered '${snapshot.status}' for ${world.oracle.nameOf(runId)}`)
  }

  /** A refusal is final: whoever is told of one must not find the run there after all. Anything else may have started one. */
  async #counted(foreignId: string, starting: Promise<string>): Promise<string> {
    const { starts } = this.#options.world.oracle
    // Others are started by handlers, too.
    if (!/^f\d+$/.test(foreignId)) return await starting
    starts.set(foreignId, (starts.get(foreignId) ?? 0) + 1)
    try {
      return await starting
    } catch (error) {
      if (isWorkflowError(error, 'WorkflowInProgress') || isWorkflowError(error, 'IllegalMove'))
        starts.set(foreignId, (starts.get(foreignId) ?? 0) - 1)
      throw error
    }
  }

  async #awaitEnd(client: LooseClient, runId: string): Promise<void> {
    const { status } = await client.awaitCompletion(runId, { timeout: '60s' }).catch((error: unknown) => {
      const { oracle, timeline } = this.#options.world
      const finishedUs = oracle.runs.get(runId)?.finishedUs ?? Infinity
      if (isWorkflowError(error, 'AwaitTimeout') && timeline.us - finishedUs > noticedUs)
        oracle.fail('nothing unexpected', `awaitCompletion has not noticed the end of ${oracle.nameOf(runId)}`)
      throw error
    })
    const run = this.#options.world.oracle.runs.get(runId)
    if (run === undefined || !isFinished(run.runState) || run.status !== status)
      this.#options.world.oracle.fail(
        'nothing unexpected',
        `awaitCompletion answered '${status}' for ${this.#options.world.oracle.nameOf(runId)}`,
      )
  }

  /** Something random to a random run. */
  #disturb(): void {
    const { dice, world } = this.#options
    const runs = [...world.oracle.runs.values()].filter(({ workflowName }) => workflowName === this.#options.outline.name)
    if (runs.length === 0) return
    const run = dice.pick(runs)
    const what = dice.below(20)
    if (what < 8) {
      const waiting = runs.filter((each) => this.#callbackStatuses.has(each.status) && !isFinished(each.runState))
      const one = waiting.length > 0 ? dice.pick(waiting) : run
      const status = this.#callbackStatuses.has(one.status) ? one.status : [...this.#callbackStatuses][0]
      if (status === undefined) return
      void this.#callback(one, status, dice.chance(0.3))
      if (dice.chance(0.3)) void this.#callback(one, status, false)
    } else if (what < 11) void this.#control(run, 'pause', 'Paused')
    else if (what < 14) void this.#control(run, 'resume', 'Running')
    else if (what < 16) void this.#control(run, 'cancel', 'Cancelled')
    else if (what < 18) {
      const finished = runs.filter(({ runState }) => runState === 'Completed' || runState === 'Cancelled')
      if (finished.length > 0) void this.#control(dice.pick(finished), 'deleteData', 'RequestedDataDeleted')
    } else if (what < 19)
      void this.#do(
        `retry ${run.ordinal}`,
        async (client) =>
          void (await this.#counted(
            run.foreignId,
            client.retry(run.runId, { initialValue: this.#options.subject.initialValue(run.foreignId) }),
          )),
      )
    else
      void this.#do(`explain ${run.ordinal}`, async (client) => {
        await client.explain(run.runId)
        await client.history(run.runId)
        await client.list({ limit: 10 })
      })
  }

  #control(run: RunModel, verb: 'pause' | 'resume' | 'cancel' | 'deleteData', to: string): Promise<void> {
    const { oracle } = this.#options.world
    const actor = `person ${++this.#asked}`
    oracle.asked.set(actor, { runId: run.runId, to })
    return this.#do(`${verb} ${run.ordinal}`, (client) =>
      client[verb](run.runId, { actor, reason: `${this.#options.subject.secret ?? 'because'} ${verb}` }),
    )
  }

  #callback(run: RunModel, status: string, queue: boolean): Promise<void> {
    const { subject, dice, world } = this.#options
    const key = `key-${++this.#asked}`
    const wait = dice.chance(0.2)
    return this.#do(`callback ${key} for ${run.ordinal} at ${status}`, async (client) => {
      const options = { key, queue, ...(wait ? { wait, timeout: '30s' } : undefined) }
      await client.callback({ runId: run.runId }, status, subject.payload(status, key), options).catch((error: unknown) => {
        // Who waits may hear that it was accepted and refused later.
        if (!wait && isWorkflowError(error, 'RunNotWaiting') && run.inbox.get(`callback/${status}`)?.ids.has(key) === true)
          world.oracle.fail(
            'callbacks kept',
            `callback '${key}' for ${world.oracle.nameOf(run.runId)} was refused, and is in the inbox all the same`,
          )
        throw error
      })
      if (run.inbox.get(`callback/${status}`)?.ids.has(key) !== true)
        world.oracle.fail('callbacks kept', `callback '${key}' for ${world.oracle.nameOf(run.runId)} was answered, and is not in the inbox`)
    })
  }

  #schedule(): void {
    const { dice, subject } = this.#options
    const foreignId = 'scheduled'
    this.#schedules.set(foreignId, undefined)
    void this.#do('schedule', async (client) => {
      await client.schedule(foreignId, `@every ${dice.between(1, 12)}s`, {
        initialValue: subject.initialValue(foreignId),
        catchUp: dice.chance(0.3),
      })
    })
  }

  #unschedule(foreignId: string): void {
    const { subject, world, outline } = this.#options
    world.oracle.schedules.ends(ScheduleRules.ownerOf(outline.name, foreignId))
    void this.#do('unschedule', async (client) => {
      const handle = await client.schedule(foreignId, '@every 30d', { initialValue: subject.initialValue(foreignId) })
      await handle.stop()
      this.#schedules.delete(foreignId)
    })
  }

  /** Asks an instance that is up, if there is one. */
  async #do(what: string, ask: (client: LooseClient) => Promise<void>): Promise<void> {
    const { world, instances, dice } = this.#options
    const up = instances.filter((instance) => instance.up)
    if (up.length === 0) return
    const { workflow, process } = dice.pick(up)
    if (workflow === undefined || process === undefined) return
    world.trace(() => `a caller in ${process.name}: ${what}`)
    try {
      await ask(workflow)
      world.trace(() => `a caller in ${process.name}: ${what}: done`)
    } catch (error) {
      world.trace(() => `a caller in ${process.name}: ${what}: ${String(error)}`)
      if (isExpected(error)) return
      world.oracle.fail('nothing unexpected', `${what}: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
}

function isExpected(error: unknown): boolean {
  return isWorkflowError(error) && expected.has(error.code)
}

function outcomeOf(result: { readonly runId?: string; readonly error?: unknown } | undefined): string {
  if (result?.runId === undefined) throw result?.error ?? new Error('triggerMany has left out an item')
  return result.runId
}
