/**
 * A receiver on partitions of Kafka, for run events and for the events of others alike. Which slots it reads is the engine's
 * decision; the log of claims decides between those who both believe to hold one.
 */
import {
  assertReceive,
  EventsLost,
  InvalidArgument,
  Wakeup,
  type Clock,
  type Delivery,
  type EventReceiver,
  type Logger,
  type ReceiveOptions,
  type SlotClaim,
} from '@workflow/core/adapter'
import type { ControlLog } from './control-log.ts'
import type { KafkaDriver, KafkaRecord } from './driver.ts'
import { FetchLoop } from './fetch-loop.ts'
import { Holding } from './holding.ts'
import { fencedSlots, stopped, unavailable } from './kafka-errors.ts'
import { LogDelivery } from './log-delivery.ts'
import { Source, type SourceSpec } from './source.ts'

/** How many events one topic and slot may give before the next has its turn. */
const quantum = 64

/** Where a new source begins, and on which broker it is. */
export interface Place {
  readonly spec: SourceSpec
  readonly offset: number
  readonly leader: string
}

export interface ReceiverSettings<E> {
  /** As messages name it. */
  readonly name: string
  readonly driver: KafkaDriver
  readonly clock: Clock
  readonly logger: Logger
  /** The event of a record, or why there is none in it. */
  readonly decode: (record: KafkaRecord, spec: SourceSpec) => E | Error
  /** A record that is no event was passed over. */
  readonly onSkipped: (spec: SourceSpec, offset: number, reason: Error) => void
  readonly onDispose: (receiver: LogReceiver<E>) => void
  /** Of a durable receiver. */
  readonly durable?: {
    readonly log: ControlLog
    /** As the log names it. */
    readonly key: string
    /** What there is to read in a slot, with first positions. */
    readonly placesOf: (slot: number) => readonly Place[]
  }
}

export class LogReceiver<E> implements EventReceiver<E> {
  readonly #settings: ReceiverSettings<E>
  readonly #loop: FetchLoop
  readonly #wakeup = new Wakeup()
  readonly #holdings = new Map<number, Holding>()
  /** By topic, and which of them has its turn. */
  #sources = new Map<string, { readonly source: Source; readonly holding: Holding | undefined }[]>()
  #turn = 0
  #fenced: number[] = []
  #receiving = false
  #stopped = false
  /** Assignments go one after another. */
  #assigning: Promise<unknown> = Promise.resolve()

  constructor(settings: ReceiverSettings<E>) {
    this.#settings = settings
    this.#loop = new FetchLoop({ ...settings, onChange: () => this.#wakeup.wake() })
  }

  /** Reads places without any claim, from now on. */
  readEphemeral(places: readonly Place[]): void {
    this.#read(undefined, this.#sourcesOf(places, { durable: false, known: false }))
  }

  async receive(options: ReceiveOptions): Promise<readonly Delivery<E>[]> {
    const { name } = this.#settings
    assertReceive(options, { name, receiving: this.#receiving })
    const { max, except, signal } = options
    this.#receiving = true
    try {
      for (;;) {
        signal.throwIfAborted()
        this.#throwWhatHappened()
        const deliveries = this.#take(max, except)
        if (deliveries.length > 0) return deliveries
        await this.#wakeup.wait(signal)
      }
    } finally {
      this.#receiving = false
    }
  }

  assign(claims: readonly SlotClaim[]): Promise<void> {
    const assigned = this.#assigning.then(() => this.#assign(claims))
    this.#assigning = assigned.catch(() => undefined)
    return assigned
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
  }

  /** Gives back what is not acknowledged; a call that waits throws `Stopped`. Idempotent. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    for (const holding of this.#holdings.values()) holding.release()
    this.#holdings.clear()
    this.#sources = new Map()
    this.#loop.close()
    this.#wakeup.wake()
    this.#settings.onDispose(this)
  }

  async #assign(claims: readonly SlotClaim[]): Promise<void> {
    const { name, durable } = this.#settings
    if (this.#stopped) throw stopped(`receiver ${JSON.stringify(name)}`)
    if (durable === undefined) throw new InvalidArgument('an ephemeral receiver sees all slots; it takes no claims')
    const wanted = new Map(claims.map((claim) => [claim.slot, claim]))
    for (const holding of this.#holdings.values()) {
      const claim = wanted.get(holding.slot)
      if (claim !== undefined && isSame(claim, holding.claim)) wanted.delete(holding.slot)
      else this.#giveUp(holding)
    }
    const refused = await this.#claim([...wanted.values()], durable)
    if (refused.length > 0) throw fencedSlots(name, refused)
  }

  /** Answers the slots that newer holders have. */
  async #claim(
    claims: readonly SlotClaim[],
    { log, key, placesOf }: NonNullable<ReceiverSettings<E>['durable']>,
  ): Promise<readonly number[]> {
    if (claims.length === 0) return []
    const { name } = this.#settings
    const attempts = claims.map((claim) => {
      const places = placesOf(claim.slot)
      const names = places.map(({ spec }) => spec.name)
      return { places, holding: new Holding({ name, key }, claim, names, log, (fenced) => this.#onFenced(fenced)) }
    })
    try {
      await log.append(() => attempts.map(({ holding }) => holding.claimRecord()))
    } catch (error) {
      for (const { holding } of attempts) holding.release()
      throw unavailable(error, `receiver ${JSON.stringify(name)} cannot claim its slots`)
    }
    const refused: number[] = []
    for (const { holding, places } of attempts) {
      if (this.#stopped) holding.release()
      else if (holding.settle(() => this.#resumed(places, key, holding, log))) this.#hold(holding)
      else refused.push(holding.slot)
    }
    if (this.#stopped) throw stopped(`receiver ${JSON.stringify(name)}`)
    return refused
  }

  #resumed(places: readonly Place[], key: string, { slot, epoch }: Holding, { state }: ControlLog): readonly Source[] {
    const cursors = places.map(({ spec }) => state.cursor(key, slot, spec.name))
    // Who died right after its claim has left no cursor, and may have had events in hand.
    const known = cursors.some((cursor) => cursor !== undefined) || state.older(key, slot, epoch).length > 0
    return this.#sourcesOf(
      places.map((place, n) => ({ ...place, offset: cursors[n] ?? place.offset })),
      { durable: true, known },
    )
  }

  #sourcesOf(places: readonly Place[], mode: { readonly durable: boolean; readonly known: boolean }): readonly Source[] {
    return places.map(({ spec, offset, leader }) => {
      const source = new Source(spec, offset, mode)
      source.leader = leader
      return source
    })
  }

  #hold(holding: Holding): void {
    this.#holdings.set(holding.slot, holding)
    this.#read(holding, holding.sources)
  }

  #read(holding: Holding | undefined, sources: readonly Source[]): void {
    for (const source of sources) {
      const its = this.#sources.get(source.spec.topic) ?? []
      this.#sources.set(source.spec.topic, its)
      its.push({ source, holding })
    }
    this.#loop.add(sources)
  }

  #giveUp(holding: Holding): void {
    holding.release()
    if (this.#holdings.get(holding.slot) !== holding) return
    this.#holdings.delete(holding.slot)
    this.#loop.remove(holding.sources)
    for (const [topic, its] of this.#sources)
      this.#sources.set(
        topic,
        its.filter((entry) => entry.holding !== holding),
      )
  }

  #onFenced(holding: Holding): void {
    if (this.#holdings.get(holding.slot) !== holding) return
    this.#giveUp(holding)
    this.#fenced.push(holding.slot)
    this.#wakeup.wake()
  }

  #take(max: number, except: ReadonlySet<string> | undefined): Delivery<E>[] {
    const deliveries: Delivery<E>[] = []
    const turns = [...this.#sources].flatMap(([topic, its]) => (except?.has(topic) === true ? [] : its))
    // Ends when there are enough, or after a whole round of sources that gave nothing.
    for (let quiet = 0; deliveries.length < max && quiet < turns.length; ) {
      this.#turn = (this.#turn + 1) % turns.length
      const turn = turns[this.#turn]
      const before = deliveries.length
      if (turn !== undefined) this.#takeFrom(turn.source, turn.holding, Math.min(quantum, max - before), deliveries)
      quiet = deliveries.length === before ? quiet + 1 : 0
    }
    if (deliveries.length > 0) this.#loop.pump()
    return deliveries
  }

  #takeFrom(source: Source, holding: Holding | undefined, max: number, into: Delivery<E>[]): void {
    const { decode, onSkipped } = this.#settings
    let skipped = false
    let taken = 0
    while (taken < max) {
      const record = source.shift()
      if (record === undefined) break
      const event = decode(record, source.spec)
      if (event instanceof Error) {
        onSkipped(source.spec, record.offset, event)
        skipped = true
        continue
      }
      taken++
      into.push(new LogDelivery(event, source, record.offset, holding))
    }
    // With nothing to acknowledge after it, nobody else would move the cursor past a record that is no event.
    if (skipped && taken === 0) holding?.commit().catch(() => undefined)
  }

  #throwWhatHappened(): void {
    const { name } = this.#settings
    if (this.#stopped) throw stopped(`receiver ${JSON.stringify(name)}`)
    if (this.#fenced.length > 0) {
      const slots = this.#fenced
      this.#fenced = []
      throw fencedSlots(name, slots)
    }
    for (const its of this.#sources.values()) {
      for (const { source, holding } of its) {
        if (!source.takeLoss()) continue
        // So that the loss is not told again after a restart.
        holding?.commit().catch(() => undefined)
        const { topic, slot } = source.spec
        throw new EventsLost(
          `receiver ${JSON.stringify(name)}: Kafka no longer has events of topic ${JSON.stringify(topic)}, slot ${slot}, that were never handed out; ` +
            'give the topic a longer retention, or start more instances. Reading goes on with the oldest event there is',
          { details: { receiver: name, topic, slot } },
        )
      }
    }
  }
}

function isSame(a: SlotClaim, b: SlotClaim): boolean {
  return a.slot === b.slot && a.fence.role === b.fence.role && a.fence.domain === b.fence.domain && a.fence.token === b.fence.token
}
