/**
 * The cursor topic at work: writes records and reads back everything that came before them, so that whoever has written knows
 * what the log has decided. Where nobody else wrote in between, the offset of the answer says so, and nothing is read.
 *
 * A crash between writing and reading leaves a record that counts or does not, like any other: nothing hangs on its writer.
 */
import { backOffMs, Coalescer, Stopped, systemRandom, Wakeup, type Clock, type Logger } from '@workflow/core/adapter'
import { controlKey, controlRecordOf, controlValue, type ControlRecord } from './control-record.ts'
import { ControlState } from './control-state.ts'
import { KafkaFault, partitionKey, type Fetched, type KafkaDriver, type NewRecord, type Partition } from './driver.ts'
import { unavailable } from './kafka-errors.ts'
import { requestsOf } from './requests.ts'
import { Writer } from './writer.ts'

const fetchBytes = 4_194_304
const longPollMs = 2_000
const answerMs = 100
const attemptsMax = 6
/** The least time between two requests that write cursors. */
const breathMs = 20
/** Between two looks of a holder whether its slots were taken: a takeover does not wait for it, nor do acknowledgements. */
const lookMs = 100
/** And where one of the partitions cannot be read, which is not to keep the others waiting. */
const followMaxMs = 2_000

export interface ControlLogOptions {
  readonly driver: KafkaDriver
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  /** Makes sure of the topic, and answers its leaders. */
  readonly ensureTopic: () => Promise<readonly string[]>
}

/** Where records of slots go. Those of topics and receivers are in partition 0. */
export class ControlLog {
  readonly state: ControlState = new ControlState((epoch) => this.#watched.get(epoch)?.())
  readonly #options: ControlLogOptions
  readonly #writer: Writer
  readonly #writes: Coalescer<() => readonly ControlRecord[], void>
  /** By epoch, who wants to hear that its claim counts no longer. */
  readonly #watched = new Map<string, () => void>()
  /** By partition, the offset up to which the log has been read. */
  #read: number[] = []
  #leaders: readonly string[] = []
  #count = 1
  /** How often the topic has turned out to be another one. */
  #era = 0
  /** How many receivers hold slots whose records are in a partition. */
  readonly #followed = new Map<number, number>()
  readonly #stop = new AbortController()
  readonly #wakeup = new Wakeup()
  #following: Promise<void> | undefined
  #flushedMs = Number.NEGATIVE_INFINITY

  constructor(options: ControlLogOptions) {
    this.#options = options
    this.#writer = new Writer(options.driver)
    this.#writes = new Coalescer<() => readonly ControlRecord[], void>({
      flush: (batch) => this.#flush(batch),
      name: 'this Kafka streamer',
    })
  }

  /** Begins with a topic that is there. */
  open(leaders: readonly string[]): void {
    this.#leaders = leaders
    this.#read = leaders.map(() => 0)
  }

  /** Slots are spread over so many partitions from now on, also when there are more. */
  fixPartitions(count: number): void {
    this.#count = count
  }

  /** The partition of a slot's records. */
  partitionOf(slot: number): number {
    return slot % this.#count
  }

  /** Resolves when the records are durable and everything before them is in `state`. They are asked for when they leave. */
  append(records: () => readonly ControlRecord[]): Promise<void> {
    return this.#writes.add(records)
  }

  /** Reads to the present end. */
  async catchUp(partitions: readonly number[] = Array.from({ length: this.#count }, (_, n) => n)): Promise<void> {
    const ends = await this.#ends(partitions).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error
      await this.#revive()
      return await this.#ends(partitions)
    })
    await this.#readTo(ends)
  }

  /** Where partitions end. Notices when that is before what was read of them already. */
  async #ends(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const asked = partitions.map((partition) => this.#at(partition))
    // As it was before the question: what comes while it is under way says nothing.
    const readBefore = [...this.#read]
    const answers = await this.#options.driver.offsets(asked, 'latest')
    const ends = new Map(partitions.map((partition, n) => [partition, answers[n] ?? 0]))
    if ([...ends].some(([partition, end]) => end < (readBefore[partition] ?? 0))) this.#beginAnew()
    return ends
  }

  /** Calls back once the claim counts no longer, soon after it happens. Answers what ends that. */
  watch(epoch: string, slot: number, onSuperseded: () => void): () => void {
    const partition = this.partitionOf(slot)
    this.#watched.set(epoch, onSuperseded)
    this.#followed.set(partition, (this.#followed.get(partition) ?? 0) + 1)
    this.#following ??= this.#follow()
    this.#wakeup.wake()
    return () => {
      if (!this.#watched.delete(epoch)) return
      const left = (this.#followed.get(partition) ?? 1) - 1
      if (left === 0) this.#followed.delete(partition)
      else this.#followed.set(partition, left)
    }
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(new Stopped('this Kafka streamer has been closed; open a new one'))
    await Promise.allSettled([this.#writes.close(), this.#following])
    await this.#writer.close()
  }

  async #flush(batch: readonly (() => readonly ControlRecord[])[]): Promise<readonly void[]> {
    await this.#breathe()
    const records = new Map<string, NewRecord>()
    for (const wanted of batch) {
      for (const record of wanted()) {
        const key = controlKey(record)
        // The newest record of a key takes the place of the others, at the end: what it was written after must stay before it.
        records.delete(key)
        records.set(key, {
          ...this.#at(record.kind === 'claim' || record.kind === 'cursor' ? this.partitionOf(record.slot) : 0),
          key,
          value: controlValue(record),
        })
      }
    }
    try {
      for (const request of requestsOf([...records.values()])) {
        const readBefore = [...this.#read]
        await this.#settle(request, await this.#writer.send(request), readBefore)
      }
    } catch (error) {
      const cause = isMissing(error)
        ? await this.#revive().then(
            () => error,
            (later: unknown) => later,
          )
        : error
      throw unavailable(cause, 'a cursor cannot be written')
    }
    this.#flushedMs = this.#options.clock.monotonic()
    return batch.map(() => undefined)
  }

  /** One request may touch every partition: under load there are fewer of them that carry more. After a quiet while none waits. */
  async #breathe(): Promise<void> {
    const { clock } = this.#options
    const restMs = this.#flushedMs + breathMs - clock.monotonic()
    if (restMs > 0 && !this.#stop.signal.aborted) await new Promise<void>((resolve) => clock.setTimer(restMs, resolve))
  }

  /** Applies what was written, after everything that came before it. */
  async #settle(written: readonly NewRecord[], offsets: ReadonlyMap<string, number>, readBefore: readonly number[]): Promise<void> {
    const behind = new Map<number, number>()
    const unknown: number[] = []
    for (const [partition, its] of Map.groupBy(written, ({ partition: number }) => number)) {
      const first = offsets.get(partitionKey(this.#at(partition))) ?? -1
      if (first >= 0 && first < (readBefore[partition] ?? 0)) this.#beginAnew()
      if (first < 0) unknown.push(partition)
      else if (first === this.#read[partition]) {
        // Nobody has written in between.
        for (const { key, value } of its) this.#apply({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })
        this.#read[partition] = first + its.length
      } else behind.set(partition, first + its.length)
    }
    await this.#readTo(behind)
    // A repeated answer may leave the offset out.
    if (unknown.length > 0) await this.catchUp(unknown)
  }

  async #readTo(ends: ReadonlyMap<number, number>): Promise<void> {
    const targets = new Map(ends)
    for (let alone = false; ; ) {
      const behind = [...targets].flatMap(([partition, end]) => ((this.#read[partition] ?? 0) < end ? [partition] : []))
      if (behind.length === 0) return
      this.#stop.signal.throwIfAborted()
      const before = behind.map((partition) => this.#read[partition] ?? 0)
      const wanted = alone ? behind.slice(0, 1) : behind
      const [answer] = await this.#readAgain(wanted)
      const stuck = behind.every((partition, n) => this.#read[partition] === before[n])
      const [first] = wanted
      // Only where no other partition can have taken its place in the answer.
      if (stuck && alone && first !== undefined) await this.#passOrLower(first, answer, targets)
      alone = stuck
    }
  }

  /** Nothing has come of a partition, though more was to be there. */
  async #passOrLower(partition: number, answer: Fetched | undefined, targets: Map<number, number>): Promise<void> {
    const offset = this.#read[partition] ?? 0
    if (answer !== undefined && answer.end > offset) {
      // What compaction leaves of a batch without records: a driver that looks at records only does not get past it by itself.
      this.#read[partition] = offset + 1
      return
    }
    // A broker that has just become its leader gives out a little later what is there. After an unclean election it is there no more.
    const end = (await this.#ends([partition])).get(partition) ?? 0
    targets.set(partition, Math.min(targets.get(partition) ?? 0, end))
  }

  /** What was written before can be read, as soon as a broker is there for it: gives up only after some seconds. */
  async #readAgain(partitions: readonly number[]): Promise<readonly Fetched[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readSome(partitions, answerMs)
      } catch (error) {
        if (attempt === attemptsMax || this.#stop.signal.aborted) throw error
        await new Wakeup().waitAtMost(this.#stop.signal, this.#options.clock, backOffMs(attempt, systemRandom))
      }
    }
  }

  async #readSome(partitions: readonly number[], maxWaitMs: number): Promise<readonly Fetched[]> {
    const byLeader = Map.groupBy(partitions, (partition) => this.#leaders[partition] ?? '')
    const era = this.#era
    try {
      if (byLeader.has('')) throw new KafkaFault('unavailable', `no broker leads ${this.#options.topic}`)
      const answers = await Promise.all(
        [...byLeader].map(([leader, its]) =>
          this.#options.driver.fetch(leader, {
            from: its.map((partition) => ({ ...this.#at(partition), offset: this.#read[partition] ?? 0 })),
            maxWaitMs,
            maxBytes: fetchBytes,
            maxBytesPerPartition: fetchBytes,
          }),
        ),
      )
      // Of a topic that is no more.
      if (era !== this.#era) return []
      for (const fetched of answers.flat()) this.#take(fetched)
      // After what came of the others: what a partition has there may decide who holds a slot, so it is never passed.
      const damaged = answers.flat().find(({ damage }) => damage !== undefined)
      if (damaged !== undefined) throw damaged.damage
      return answers.flat()
    } catch (error) {
      if (isMissing(error)) await this.#revive()
      else if (error instanceof KafkaFault && error.kind === 'out of range') await this.#ends(partitions)
      await this.#locate()
      throw error
    }
  }

  /** Somebody has deleted the topic: makes another one, or finds the one that somebody else has made. */
  async #revive(): Promise<void> {
    const leaders = await this.#options.ensureTopic()
    if (leaders.length >= this.#leaders.length) this.#leaders = leaders
    await this.#ends(leaders.map((_, partition) => partition).slice(0, this.#count))
  }

  /**
   * The topic is another one of the same name. Whoever held a slot holds it no more, and claims it again; what is known here of
   * topics and receivers is written down again, and cursors stand where they stood.
   */
  #beginAnew(): void {
    const { topic, logger } = this.#options
    if (this.#read.every((offset) => offset === 0)) return
    logger.error({ topic }, 'the cursor topic was deleted underneath and made anew: slots are claimed again, events may come again')
    this.#era++
    this.#read = this.#read.map(() => 0)
    this.state.beginAnew()
    this.append(() => this.state.lasting()).catch((error: unknown) =>
      logger.warn({ topic, error }, 'topics and receivers could not be written to the new cursor topic; ensure writes them, too'),
    )
  }

  async #locate(): Promise<void> {
    const leaders = (await this.#options.driver.describe([this.#options.topic])).get(this.#options.topic)
    if (leaders !== undefined && leaders.length >= this.#leaders.length) this.#leaders = leaders
  }

  #take({ partition, records, next }: Fetched): void {
    for (const record of records) {
      // Meanwhile another reader may have come further.
      if (record.offset < (this.#read[partition] ?? 0)) continue
      this.#read[partition] = record.offset + 1
      this.#apply(record)
    }
    this.#read[partition] = Math.max(this.#read[partition] ?? 0, next)
  }

  #apply(record: { readonly key: Buffer | null; readonly value: Buffer | null }): void {
    const control = controlRecordOf(record)
    if (control === undefined) this.#options.logger.warn({ topic: this.#options.topic }, 'a foreign record on the cursor topic was skipped')
    else this.state.apply(control)
  }

  /** Looks at what others write about the slots that are held here. */
  async #follow(): Promise<void> {
    const { clock, logger, topic } = this.#options
    const { signal } = this.#stop
    for (let failures = 0; !signal.aborted; ) {
      try {
        const partitions = [...this.#followed.keys()]
        if (partitions.length > 0) {
          await this.#readSome(partitions, longPollMs)
          await this.#wakeup.waitAtMost(signal, clock, lookMs)
        } else {
          await this.#wakeup.wait(signal)
        }
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures++
        if (failures === 3 || failures % 100 === 0) logger.warn({ topic, failures, error }, 'the cursor topic cannot be read; trying again')
        await this.#wakeup.waitAtMost(signal, clock, backOffMs(failures, systemRandom, { maxMs: followMaxMs })).catch(() => undefined)
      }
    }
  }

  #at(partition: number): Partition {
    return { topic: this.#options.topic, partition }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof KafkaFault && error.kind === 'missing'
}
