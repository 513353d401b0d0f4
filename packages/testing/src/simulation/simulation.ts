/**
 * One seed: several instances of a workflow on one database, somebody who uses them, and everything that goes wrong. First
 * things go wrong for a while; then nothing does any more, and everything that was begun must come to its end.
 */
import { isFinished, type RecordStore } from '@workflow/core/adapter'
import { memoryDatabase, memoryEventStreamer, memoryRecordStore, type MemoryDatabase } from '@workflow/core/memory'
import { memoryConnector, type MemoryConnector } from '../memory-connector.ts'
import { Dice } from './dice.ts'
import { Driver } from './driver.ts'
import { endFault } from './end-rules.ts'
import { describeFault, FaultPlan, type Fault, type FaultKind } from './fault.ts'
import { Instance } from './instance.ts'
import { Oracle, type Violation } from './oracle.ts'
import { Receivers, serverClock } from './sim-event-streamer.ts'
import type { SimProcess } from './sim-process.ts'
import { outlineOf, type Outline, type Subject } from './subject.ts'
import type { Surroundings, Transaction } from './surroundings.ts'
import { Timeline } from './timeline.ts'
import { exitTableOf } from './transition-rules.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly subject: Subject
  /** How many runs are triggered by name; children, schedules and foreign streams come on top. */
  readonly runs: number
  readonly faults: number
  readonly without: ReadonlySet<number>
  readonly kinds: readonly FaultKind[]
  /** Absent: chosen by the seed. */
  readonly instances?: number
  /** Hears of every line of the trace. */
  readonly onTrace?: (line: string) => void
}

/** How one seed ended. */
export interface SeedResult {
  readonly seed: number
  readonly hash: string
  readonly events: number
  /** How much time passed in it. */
  readonly virtualMs: number
  readonly faults: readonly Fault[]
  readonly struck: readonly Fault[]
  readonly runs: number
  readonly seen: ReadonlyMap<string, number>
  readonly violation: Violation | undefined
}

/** 2026-01-01, 00:00 UTC. */
const startMs = Date.UTC(2026, 0, 1)
/** After so long without faults everything must have come to its end. */
const patienceUs = 12 * 60 * 1e6
const checkEveryUs = 2_000_000
const eventsMax = 3_000_000

export class Simulation implements Surroundings {
  readonly timeline: Timeline = new Timeline()
  readonly dice: Dice
  readonly faults: FaultPlan
  readonly oracle: Oracle
  readonly database: MemoryDatabase
  roles: MemoryDatabase['roles']
  tokensFrom: bigint = 1_000_000n
  readonly store: RecordStore<Transaction>
  readonly slots: number
  readonly leaseMs: number
  readonly toldOfAll: boolean
  readonly #options: SimulationOptions
  readonly #outline: Outline
  readonly #instances: Instance[] = []
  readonly #receivers = new Receivers()
  readonly #driver: Driver
  readonly #stream: MemoryConnector
  readonly #downUntilUs = { store: 0, stream: 0, roles: 0 }
  readonly #faultsUntilUs: number
  #ordinals = 0

  constructor(options: SimulationOptions) {
    const { seed, subject, runs } = options
    this.#options = options
    this.#outline = outlineOf(subject.definitions(nobody))
    this.dice = Dice.of(seed, 'order')
    const chosen = Dice.of(seed, 'settings')
    this.#faultsUntilUs = chosen.between(20, 90) * 1e6
    this.faults = new FaultPlan(Dice.of(seed, 'faults'), {
      count: options.faults,
      runs,
      untilUs: this.#faultsUntilUs,
      without: options.without,
      kinds: options.kinds,
    })
    this.slots = chosen.pick([1, 2, 3, 4])
    this.leaseMs = chosen.pick([3_000, 5_000, 10_000])
    this.toldOfAll = chosen.chance(0.6)
    const relayed = chosen.chance(0.25)
    this.database = memoryDatabase({ committedEvents: relayed ? 'outbox' : 'streams' })
    this.roles = this.database.roles
    const clock = serverClock(this.serverNow)
    this.store = memoryRecordStore<Transaction>({ database: this.database, clock, transaction: () => ({ rows: [] }) })
    this.#stream = memoryConnector({ clock })
    this.oracle = new Oracle({
      workflows: new Map([...this.#outline.graphs].map(([name, graph]) => [name, exitTableOf(graph)])),
      slots: this.slots,
      hooked: this.#outline.name,
      hooks: this.#outline.hooks,
      callbacksKnown: subject.keyOf !== undefined,
      attemptsMax: subject.attemptsMax ?? (() => undefined),
      onViolation: (violation) => {
        this.trace(() => `BROKEN: ${violation.invariant}: ${violation.message}`)
        this.timeline.stop()
      },
    })
    const settings = settingsOf(chosen, this.slots)
    for (let i = 0; i < (options.instances ?? chosen.between(2, 3)); i++) {
      this.#instances.push(
        new Instance(String.fromCharCode(97 + i), {
          world: this,
          subject,
          receivers: this.#receivers,
          relayed,
          connectors: Object.fromEntries(this.#outline.connectors.map((name) => [name, this.#stream])),
          settings,
          newOrdinal: () => ++this.#ordinals,
        }),
      )
    }
    this.#driver = new Driver({
      world: this,
      subject,
      outline: this.#outline,
      instances: this.#instances,
      dice: Dice.of(seed, 'driver'),
      moveDice: Dice.of(seed, 'moves'),
      runs,
      untilUs: this.#faultsUntilUs * 0.9,
      publish: (connector, id, index) =>
        void this.#stream.publish([{ id, key: `k${index % 2}`, value: subject.foreignValue(connector, index) }]),
    })
  }

  get processes(): readonly SimProcess[] {
    return this.#instances.flatMap(({ process }) => (process?.alive === true ? [process] : []))
  }

  readonly serverNow = (): number => startMs + Math.floor(this.timeline.us / 1_000)
  readonly serverMonotonic = (): number => Math.floor(this.timeline.us / 1_000)

  readonly isDown = (side: 'store' | 'stream' | 'roles'): boolean => this.timeline.us < this.#downUntilUs[side]

  readonly kill = (process: SimProcess, fault: Fault): void => {
    this.#instances.find((instance) => instance.process === process)?.dies(fault.choice % 2 === 0, fault.ms)
  }

  readonly trace = (line: () => string): void => {
    this.#options.onTrace?.(`${(this.timeline.us / 1e6).toFixed(6).padStart(12)} ${line()}`)
  }

  async run(): Promise<SeedResult> {
    const { timeline, faults, oracle } = this
    for (const instance of this.#instances) timeline.plan(this.dice.below(200_000), 'fault', 0, () => instance.start())
    for (const fault of faults.timed) timeline.plan(fault.when, 'fault', 0, () => this.#strike(fault))
    this.#driver.begin()
    // Connectors begin with what comes after they are known; here they are known from the beginning.
    for (const name of this.#outline.connectors)
      await this.#stream.connect({
        name: `${this.#outline.name}/${name}`,
        from: 'earliest',
        fence: { role: name, domain: this.database.roles.domain, token: 0n },
      })
    timeline.plan(this.#faultsUntilUs, 'fault', 0, () => this.#heal())
    await timeline.run()
    if (oracle.violation === undefined) {
      const fault = await endFault(this.oracle, this.store, this.#options.subject.secret, this.#driver.letters)
      if (fault !== undefined) oracle.fail(fault.invariant, fault.message)
    }
    return {
      seed: this.#options.seed,
      hash: timeline.hash,
      events: timeline.count,
      virtualMs: timeline.us / 1_000,
      faults: faults.faults,
      struck: faults.struck,
      runs: oracle.runs.size,
      seen: oracle.seen,
      violation: oracle.violation,
    }
  }

  #strike(fault: Fault): void {
    if (this.faults.over) return
    this.trace(() => `fault ${describeFault(fault)}`)
    const { processes, timeline } = this
    const process = processes[fault.choice % Math.max(1, processes.length)]
    const untilUs = timeline.us + fault.ms * 1_000
    this.faults.struck.push(fault)
    if (fault.kind === 'store down') this.#downUntilUs.store = this.#downUntilUs.roles = untilUs
    else if (fault.kind === 'stream down') this.#downUntilUs.stream = untilUs
    else if (fault.kind === 'lease taken') this.#take(this.#someRole(fault, process))
    else if (fault.kind === 'leases forgotten') this.#forgetLeases()
    else if (fault.kind === 'group rebalanced') this.#rebalance(fault)
    else if (process === undefined) return
    else if (fault.kind === 'lease believed held') process.deludedUntilUs = untilUs
    else if (fault.kind === 'clock jumps') process.clock.jump(fault.choice % 2 === 0 ? fault.ms : -fault.ms)
    else this.#strikeInstance(fault, process)
  }

  #strikeInstance(fault: Fault, process: SimProcess): void {
    const instance = this.#instances.find((each) => each.process === process)
    if (fault.kind === 'rolling restart') instance?.restart(fault.ms)
    else if (fault.kind === 'connection lost') instance?.loseConnection()
    else if (fault.kind === 'role moved') this.roles.holder(this.#someRole(fault, process))?.askToYield()
  }

  /** The lease store forgets who has a role, and tells nobody. */
  #take(role: string): void {
    const holder = this.roles.holder(role)?.member.instance
    const robbed = this.processes.find(({ name }) => name === holder)
    if (robbed !== undefined) robbed.robbedUntilUs = this.timeline.us + this.leaseMs * 1_000
    this.roles.steal(role)
  }

  /** The lease store comes back empty, as another one: nobody holds anything, tokens begin anew, and nobody is told. */
  #forgetLeases(): void {
    for (const process of this.processes) process.robbedUntilUs = this.timeline.us + this.leaseMs * 1_000
    this.roles = memoryDatabase().roles
    this.tokensFrom /= 1_000n
  }

  /** A role that the process holds, or any. */
  #someRole(fault: Fault, process: SimProcess | undefined): string {
    const roles = [...(process?.leases.keys() ?? [])]
    return roles[(fault.choice >>> 8) % Math.max(1, roles.length)] ?? `${this.#outline.name}/0`
  }

  #rebalance(fault: Fault): void {
    const receivers = this.#receivers.assigned()
    const receiver = receivers[fault.choice % Math.max(1, receivers.length)]
    const slot = receiver?.claimed[(fault.choice >>> 8) % Math.max(1, receiver.claimed.length)]
    if (slot !== undefined) receiver?.rebalance(slot)
  }

  /** From now on nothing goes wrong. */
  #heal(): void {
    this.trace(() => 'from here on nothing goes wrong any more')
    this.faults.end()
    this.#downUntilUs.store = this.#downUntilUs.stream = this.#downUntilUs.roles = 0
    for (const process of this.processes) process.deludedUntilUs = Math.min(process.deludedUntilUs, this.timeline.us)
    this.#check(this.timeline.us)
  }

  /** Looks now and then whether everything is over, and does what runs wait for. */
  #check(sinceUs: number): void {
    this.timeline.plan(checkEveryUs, 'check', 0, () => {
      // The driver first: what it settles may be the last thing to wait for.
      const settled = this.#driver.settle()
      if (settled && this.oracle.hooksDue.size === 0)
        void this.#lag().then((lag) => (lag === '' ? this.timeline.stop() : this.#goOn(sinceUs, lag)))
      else this.#goOn(sinceUs, '')
    })
  }

  #goOn(sinceUs: number, lag: string): void {
    const isOver = this.timeline.us - sinceUs > patienceUs
    if (!isOver && this.timeline.count < eventsMax) return this.#check(sinceUs)
    const { oracle } = this
    const minutes = Math.round((this.timeline.us - sinceUs) / 60e6)
    const stuck = [...oracle.runs.values()].filter(({ runState }) => !isFinished(runState) || runState === 'RequestedDataDeleted')
    if (stuck.length > 0) {
      const names = stuck.map(
        ({ runId }) => `${oracle.nameOf(runId)}${oracle.handlers.isAtWork(runId) ? ', whose handler has not returned' : ''}`,
      )
      return oracle.fail('no run lost', `${minutes} minutes after the last fault these have not come to their end: ${names.join('; ')}`)
    }
    const unsettled = this.#driver.unsettled()
    if (unsettled !== undefined) oracle.fail(unsettled.invariant, `${minutes} minutes after the last fault ${unsettled.message}`)
    else if (lag !== '') oracle.fail('events handled', `${minutes} minutes after the last fault ${lag}`)
    else
      oracle.fail(
        'hooks called',
        `${minutes} minutes after the last fault these hooks have not been called: ${[...oracle.hooksDue].join(', ')}`,
      )
  }

  /** What has not been acknowledged; '' if nothing. */
  async #lag(): Promise<string> {
    const streamer = memoryEventStreamer({ database: this.database, clock: serverClock(this.serverNow) })
    const lags: string[] = []
    for (const name of this.#outline.graphs.keys()) {
      for (const receiver of await streamer.receivers(name))
        if (receiver.lag > 0) lags.push(`${receiver.name} has ${receiver.lag} events that are not acknowledged`)
    }
    return lags.join(', ')
  }
}

/** Stands for a process where only the shape of the definitions counts. */
const nobody = {} as SimProcess

/** What the instances are told besides their ports: small, so that much happens in little time. */
function settingsOf(dice: Dice, slots: number): { readonly [option: string]: unknown } {
  return {
    slots,
    maxInFlight: dice.pick([4, 16, 64, 1_024]),
    retryInPlace: dice.pick(['0ms', '1s', '5s']),
    autoResume: `${dice.between(2, 30)}s`,
    sweepFrequency: `${dice.between(10, 60)}s`,
    historyObjects: dice.chance(0.8),
    awaitPollingFrequency: '5s',
    storeTimeout: '10s',
    defaults: { pollingFrequency: dice.pick(['1s', '5s', '30s']), errBackOff: '300ms', deadline: '10s' },
    outbox: { pollingFrequency: '1s' },
  }
}
