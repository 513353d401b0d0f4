/** One instance of the workflow, through all of its lives: whatever ends one, the next begins a while later. */
import type { Connector, Logger } from '@workflow/core'
import { SimProcess } from './sim-process.ts'
import { simConnector, simEventStreamer, simOutbox, type Receivers } from './sim-event-streamer.ts'
import { simRecordStore } from './sim-record-store.ts'
import { SimRoleScheduler } from './sim-role-scheduler.ts'
import { built, type LooseWorkflow, type Ports, type Subject } from './subject.ts'
import type { Surroundings } from './surroundings.ts'

export interface InstanceOptions {
  readonly world: Surroundings
  readonly subject: Subject
  readonly receivers: Receivers
  readonly relayed: boolean
  readonly connectors: { readonly [name: string]: Connector }
  /** What `build` is given besides the ports. */
  readonly settings: Ports
  readonly newOrdinal: () => number
}

export class Instance {
  readonly name: string
  readonly #options: InstanceOptions
  readonly #listeners = new Set<() => void>()
  #generation = 0
  process: SimProcess | undefined
  workflow: LooseWorkflow | undefined
  #others: readonly LooseWorkflow[] = []
  /** Begun, and not asked to stop. */
  up = false

  constructor(name: string, options: InstanceOptions) {
    this.name = name
    this.#options = options
  }

  /** Begins a life. */
  start(): void {
    const { world, subject, newOrdinal } = this.#options
    const { dice } = world
    const rate = 1 + (dice.below(61) - 30) / 1_000
    const process = new SimProcess(world, this.name, newOrdinal(), world.serverNow() + dice.between(-500, 500), rate, this.#generation)
    this.process = process
    this.#listeners.clear()
    const ports = this.#ports(process)
    const [workflow, ...others] = built(subject, process, ports)
    this.workflow = workflow
    this.#others = others
    this.up = true
    world.trace(() => `${this.name} starts`)
    for (const each of [workflow, ...others]) void this.#run(process, each)
  }

  /** The process dies, and comes back after a while. */
  dies(wireOutlives: boolean, backAfterMs: number): void {
    // What it had sent may still arrive, and meet another fault: nobody dies twice.
    if (this.process?.alive !== true) return
    this.up = false
    this.process.die(wireOutlives)
    this.#comeBack(backAfterMs)
  }

  /** Stops as in a deployment, and newer code comes up. */
  restart(timeoutMs: number): void {
    const { process, workflow } = this
    if (!this.up || process === undefined || workflow === undefined) return
    this.up = false
    this.#generation++
    const { world } = this.#options
    world.trace(() => `${this.name} is stopped, with ${timeoutMs} ms for its handlers`)
    void Promise.allSettled([workflow, ...this.#others].map((each) => each.stop({ timeout: `${timeoutMs}ms` }))).then(() => {
      if (!process.alive) return
      process.die(true)
      this.#comeBack(world.dice.between(10, 1_000))
    })
  }

  /** The connection to the store is lost for a moment. */
  loseConnection(): void {
    for (const listener of this.#listeners) listener()
  }

  #comeBack(afterMs: number): void {
    this.#options.world.timeline.plan(afterMs * 1_000, 'fault', 0, () => this.start())
  }

  async #run(process: SimProcess, workflow: LooseWorkflow): Promise<void> {
    for (;;) {
      try {
        return await workflow.run()
      } catch {
        // The stream could not be reached: the supervisor tries again.
        if (!this.up) return
        await new Promise<void>((resolve) => process.plan(500_000, 'timer', resolve))
      }
    }
  }

  #ports(process: SimProcess): Ports {
    const { world, receivers, relayed, connectors, settings } = this.#options
    const outbox = relayed ? simOutbox(process) : world.store.outbox
    const recordStore = simRecordStore(process, outbox, (listener) => {
      this.#listeners.add(listener)
      return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
    })
    return {
      recordStore,
      timeoutStore: recordStore.timers,
      eventStreamer: simEventStreamer(process, receivers, relayed ? undefined : recordStore),
      roleScheduler: new SimRoleScheduler(process),
      clock: process.clock,
      random: world.dice.fraction,
      logger: loggerOf(process),
      generation: process.generation,
      connectors: Object.fromEntries(Object.entries(connectors).map(([name, connector]) => [name, simConnector(process, connector)])),
      ...settings,
    }
  }
}

/** Nobody has so much to say at one instant. */
const linesMax = 1_000

/** What the engine tells goes into the trace; what must never be told is a broken promise. */
export function loggerOf(process: SimProcess): Logger {
  const { world } = process
  let atUs = -1
  let lines = 0
  const line = (level: string) => (fields: object, message: string) => {
    if (level !== 'debug') {
      lines = atUs === world.timeline.us ? lines + 1 : 1
      atUs = world.timeline.us
      if (lines === linesMax)
        world.oracle.fail('nothing unexpected', `${process.name} turns in circles: ${lines} times "${message}" without any time passing`)
    }
    const { error, ...rest } = fields as { readonly error?: unknown }
    world.trace(() => `${process.name}: ${level}: ${message} ${JSON.stringify(rest)}${error === undefined ? '' : ` ${String(error)}`}`)
    if (process.alive && message.includes('fault of the engine'))
      world.oracle.fail('nothing unexpected', `${process.name}: ${message}: ${error instanceof Error ? error.stack : String(error)}`)
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
