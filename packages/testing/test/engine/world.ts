/** What a test of the engine lives in: one database, one virtual clock, and as many instances as it starts. */
import type { Logger, WorkerInfrastructure } from '@workflow/core'
import type {
  Delivery,
  EventReceiver,
  EventSender,
  EventStreamer,
  RecordStore,
  RoleScheduler,
  RunEvent,
  TimeoutStore,
} from '@workflow/core/adapter'
import { memory, memoryDatabase, type MemoryDatabase } from '@workflow/core/memory'
import { waitingOn, type Waiting } from '../../src/conformance/waiting.ts'
import { VirtualClock } from '../../src/virtual-clock.ts'
import { lineFaults, type LogLine } from './log-line.ts'

/** What `build` is given. */
export interface Ports extends Omit<WorkerInfrastructure, 'recordStore' | 'clock'> {
  readonly recordStore: RecordStore<unknown[]>
  readonly eventStreamer: EventStreamer
  readonly roleScheduler: RoleScheduler
  readonly timeoutStore: TimeoutStore
  readonly clock: VirtualClock
  readonly logger: Logger
}

/** How an instance differs from the usual one. */
export interface InstanceOptions extends Partial<Omit<WorkerInfrastructure, 'recordStore' | 'clock'>> {
  /** Stands between the engine and its store. */
  readonly change?: (store: RecordStore<unknown[]>) => RecordStore<unknown[]>
}

interface Stoppable {
  readonly run: () => Promise<void>
  readonly stop: (options?: { readonly timeout?: '0ms' }) => Promise<void>
}

/** How a world differs from the usual one. */
export interface WorldOptions {
  readonly database?: MemoryDatabase
  /** For tests of days: leases are renewed and timers polled so rarely that a day costs little. @default false */
  readonly calm?: boolean
}

/** Dispose it to stop everything that was started in it. Throws then if a line of the log lacks the ids that it should have. */
export class World {
  readonly clock: VirtualClock = new VirtualClock()
  readonly logs: LogLine[] = []
  /** What transactional steps have written and committed. */
  readonly rows: unknown[] = []
  readonly database: MemoryDatabase
  readonly #waiting: Waiting
  readonly #started: Stoppable[] = []
  readonly #kills = new Map<string, () => void>()

  readonly #calm: boolean

  constructor({ database = memoryDatabase(), calm = false }: WorldOptions = {}) {
    this.database = database
    this.#calm = calm
    this.#waiting = waitingOn({ clock: this.clock, pass: (ms) => this.clock.advance(ms), patienceMs: 60_000 })
  }

  /** The ports of a process of its own. Few slots, so that time costs little; no jitter, so that times can be said. */
  ports(instance = 'a', { change, ...options }: InstanceOptions = {}): Ports {
    const { clock, database } = this
    const made = memory<unknown[]>({ database, clock, instance, leaseDuration: this.#calm ? '1h' : '3s', transaction: () => this.rows })
    this.#kills.set(instance, made.kill)
    const store = change === undefined ? made.recordStore : change(made.recordStore)
    return {
      recordStore: store,
      eventStreamer: change === undefined ? made.eventStreamer : { ...made.eventStreamer, source: store },
      timeoutStore: store.timers,
      roleScheduler: made.roleScheduler,
      clock,
      logger: this.#logger(),
      slots: 2,
      random: seeded(instance),
      ...(this.#calm ? { defaults: { pollingFrequency: '5m' }, sweepFrequency: '1h' } : undefined),
      ...options,
    }
  }

  /** Builds and runs a workflow in an instance of its own. */
  async start<W extends Stoppable>(build: (ports: Ports) => W, instance = 'a', options: InstanceOptions = {}): Promise<W> {
    const made = build(this.ports(instance, options))
    this.#started.push(made)
    // Without time passing: the first start loads code, which takes real time and no virtual one.
    await made.run()
    return made
  }

  /** Ends an instance like `kill -9`: it writes nothing any more, and its roles stay taken until their leases expire. */
  kill(instance: string): void {
    this.#kills.get(instance)?.()
  }

  /** The outcome of something, while time passes. */
  within<T>(work: Promise<T>): Promise<T> {
    const answer = this.#waiting.within(work, 'an answer')
    // A test may look at a rejection later than it happens.
    answer.catch(() => undefined)
    return answer
  }

  /** Waits, while time passes, until a condition answers something other than false or undefined. */
  until<T>(condition: () => T | false | undefined | Promise<T | false | undefined>, what = 'the condition'): Promise<T> {
    return this.#waiting.eventually(condition, what)
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.clock.advance(ms)
  }

  /** Lets everything happen that can happen without time passing. */
  async turns(count = 20): Promise<void> {
    for (let turn = 0; turn < count; turn++) await this.clock.advance(0)
  }

  /** The lines of the log with such a message, in order. */
  logged(level: LogLine['level'], text: string): readonly LogLine[] {
    return this.logs.filter((line) => line.level === level && line.message.includes(text))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((each) => this.within(each.stop({ timeout: '0ms' }))))
    const faults = this.logs.flatMap(lineFaults)
    if (faults.length > 0) throw new Error(`lines of the log lack their ids:\n${faults.join('\n')}`)
  }

  #logger(): Logger {
    const at =
      (level: LogLine['level']) =>
      (fields: object, message: string): void => {
        this.logs.push({ level, fields: { ...fields }, message })
      }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }
}

/** Park and Miller's generator: the same numbers in every test run. */
function seeded(name: string): () => number {
  let state = 1 + Array.from(name, (character) => character.codePointAt(0) ?? 0).reduce((sum, code) => (sum * 31 + code) % 2_147_483_646, 7)
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** A promise, and its ends. */
export function gate<T = void>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>()
}

/** A receiver that does some things differently. */
export function receiving<E>(receiver: EventReceiver<E>, changes: Partial<EventReceiver<E>>): EventReceiver<E> {
  return {
    receive: (options) => receiver.receive(options),
    assign: (claims) => receiver.assign(claims),
    [Symbol.asyncDispose]: () => Promise.resolve(receiver[Symbol.asyncDispose]()),
    ...changes,
  }
}

/** A streamer whose events are sent in another way; `sender` sends them as ever. */
export function sending(streamer: EventStreamer, send: (events: readonly RunEvent[], sender: EventSender) => Promise<void>): EventStreamer {
  return {
    ...streamer,
    newSender: async () => {
      const sender = await streamer.newSender()
      return {
        send: (events) => send(events, sender),
        [Symbol.asyncDispose]: () => Promise.resolve(sender[Symbol.asyncDispose]()),
      }
    },
  }
}

/** A store whose outbox hands out its deliveries as `changed` makes them. */
export function handingOut(
  changed: (deliveries: readonly Delivery<RunEvent>[]) => readonly Delivery<RunEvent>[],
): (store: RecordStore<unknown[]>) => RecordStore<unknown[]> {
  return (store) => ({
    ...store,
    outbox: {
      ...store.outbox,
      newReceiver: async (options) => {
        const receiver = await store.outbox.newReceiver(options)
        return receiving(receiver, { receive: async (how) => changed(await receiver.receive(how)) })
      },
    },
  })
}
