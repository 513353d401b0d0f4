/**
 * Keeps the sources of one receiver filled. A fetch waits at the broker until one of its partitions has something, so it carries
 * all that are free, and others that become free meanwhile go into a further one, a few at once per broker.
 */
import { backOffMs, systemRandom, type Clock, type Logger } from '@workflow/core/adapter'
import { type FaultKind, type Fetched, KafkaFault, partitionKey, type KafkaDriver, type Partition } from './driver.ts'
import type { Landmark, Source } from './source.ts'

/** An idle fetch of many partitions costs a millisecond or two, so it is not repeated often. */
const longPollMs = 3_000
const shortPollMs = 200
const fetchBytes = 4_194_304
const fetchBytesPerPartition = 262_144
const atOncePerBroker = 3
/** Of an answer with one record: the broker gives the batch that it is in, however large that is. */
const maxBytes = 1
/** So often a partition without a leader is looked for, at most. */
const locateMs = 5_000
const locateSoonMs = 500
const restMs = 500
/** The longest pause of a partition whose bytes are not what was written. */
const damagedMaxMs = 30_000
/** What a fetch is refused with where a topic was deleted: by brokers that know that, and by those that know of its successor. */
const doubts: Readonly<Partial<Record<FaultKind, Source['doubt']>>> = {
  missing: 'missing',
  'led elsewhere': 'refused',
  'out of range': 'refused',
}

export interface FetchLoopOptions {
  readonly name: string
  readonly driver: KafkaDriver
  readonly clock: Clock
  readonly logger: Logger
  /** Something has come, or was lost. */
  readonly onChange: () => void
}

interface Underway {
  readonly leader: string
  readonly sources: readonly Source[]
  /** Whether it waits long where there is nothing. */
  readonly isLong: boolean
}

export class FetchLoop {
  readonly #options: FetchLoopOptions
  readonly #sources = new Set<Source>()
  readonly #underway = new Set<Underway>()
  readonly #resting = new Map<Source, Disposable>()
  /** How often, one after another, what came of a source was damaged. */
  readonly #damaged = new WeakMap<Source, number>()
  #failures = 0
  /** Whether the last look has left partitions without a leader: then the next one need not be soon. */
  #missed = false
  #pause: Disposable | undefined
  #scheduled = false
  #closed = false

  constructor(options: FetchLoopOptions) {
    this.#options = options
  }

  /** Begins to read sources. Those whose leader is known are read at once. */
  add(sources: readonly Source[]): void {
    for (const source of sources) this.#sources.add(source)
    this.pump()
    if (sources.some(({ leader }) => leader === '')) this.#locateLater(0)
  }

  /** Leaves sources alone; what is under way for them is dropped when it comes. */
  remove(sources: readonly Source[]): void {
    for (const source of sources) this.#sources.delete(source)
  }

  /** Fetches for whoever wants more, as soon as what is going on now has come to an end. */
  pump(): void {
    if (this.#scheduled || this.#closed) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#start()
    })
  }

  close(): void {
    this.#closed = true
    this.#sources.clear()
    this.#pause?.[Symbol.dispose]()
    this.#locating?.[Symbol.dispose]()
    for (const timer of this.#resting.values()) timer[Symbol.dispose]()
  }

  #start(): void {
    if (this.#closed || this.#pause !== undefined) return
    const wanting = Map.groupBy(
      [...this.#sources].filter(({ wantsMore }) => wantsMore),
      ({ leader }) => leader,
    )
    for (const [leader, sources] of wanting) {
      const underway = this.#underwayAt(leader)
      if (underway.length >= atOncePerBroker) continue
      for (const source of sources) source.busy = true
      // One waits long; those beside it end soon, to take along what has become free meanwhile.
      const isLong = !underway.some((fetch) => fetch.isLong)
      void this.#fetch({ leader, sources, isLong })
    }
  }

  /** Fetches for sources that were all taken away meanwhile are in nobody's way. */
  #underwayAt(leader: string): readonly Underway[] {
    return [...this.#underway].filter((fetch) => fetch.leader === leader && fetch.sources.some((source) => this.#sources.has(source)))
  }

  async #fetch(fetch: Underway): Promise<void> {
    const { leader, sources, isLong } = fetch
    this.#underway.add(fetch)
    let came = true
    try {
      const answer = await this.#options.driver.fetch(leader, {
        from: sources.map(({ spec, next }) => ({ ...spec.at, offset: next })),
        maxWaitMs: isLong ? longPollMs : shortPollMs,
        maxBytes: fetchBytes,
        maxBytesPerPartition: fetchBytesPerPartition,
      })
      this.#failures = 0
      came = this.#accept(sources, answer)
      if (answer.some(({ records }) => records.length > 0)) this.#options.onChange()
    } catch (error) {
      await this.#recover(sources, error)
    } finally {
      for (const source of sources) source.busy = this.#resting.has(source)
      this.#underway.delete(fetch)
      // After a quiet while the next short one to end takes all along, so that few fetches carry many.
      if (came || !isLong || this.#underwayAt(leader).length === 0) this.pump()
    }
  }

  /** Answers whether something has come, be it damage. */
  #accept(sources: readonly Source[], answer: readonly Fetched[]): boolean {
    const byKey = new Map(sources.map((source) => [source.key, source]))
    const came = answer.some(({ records, damage }) => records.length > 0 || damage !== undefined)
    for (const fetched of answer) {
      const source = byKey.get(partitionKey(fetched))
      if (source === undefined) continue
      const before = source.next
      source.accept(fetched)
      if (source.next > before) this.#damaged.delete(source)
      if (fetched.damage !== undefined) this.#restDamaged(source, fetched.damage)
      // Something is there, and nothing of it comes: what compaction leaves of a batch without records, at the end of a partition.
      else if (!came && source.next < fetched.end) this.#rest(source, restMs)
      if (fetched.records.length > 0 || fetched.damage !== undefined) this.#moveBack(source)
    }
    return came
  }

  /** What was damaged on its way is there again soon. What is damaged at the broker holds up its own partition only. */
  #restDamaged(source: Source, error: KafkaFault): void {
    const { name: receiver, logger } = this.#options
    if (!this.#sources.has(source)) return
    const failures = (this.#damaged.get(source) ?? 0) + 1
    this.#damaged.set(source, failures)
    const { topic, slot } = source.spec
    if (failures === 1 || failures % 20 === 0)
      logger.warn({ receiver, topic, slot, failures, error }, 'a partition of Kafka cannot be read; trying again, the others go on')
    this.#rest(source, backOffMs(failures, systemRandom, { maxMs: damagedMaxMs }))
  }

  /** The broker would answer at once, so it is not asked again at once. */
  #rest(source: Source, ms: number): void {
    if (this.#closed) return
    const timer = this.#options.clock.setTimer(ms, () => {
      this.#resting.delete(source)
      source.busy = false
      this.pump()
    })
    this.#resting.set(source, timer)
  }

  /** A batch that is larger than the share of a partition comes only for the first one that has something: so all get their turn. */
  #moveBack(source: Source): void {
    if (this.#sources.delete(source)) this.#sources.add(source)
  }

  /** kafkajs says that something is wrong with one of the partitions, not with which. */
  async #recover(sources: readonly Source[], error: unknown): Promise<void> {
    if (this.#closed) return
    const { name, logger } = this.#options
    this.#failures++
    const doubt = error instanceof KafkaFault ? doubts[error.kind] : undefined
    if (doubt !== undefined) for (const source of sources) source.doubt = doubt
    try {
      await this.#locate(sources)
      const found = sources.filter(({ leader }) => leader !== '')
      if (error instanceof KafkaFault && error.kind === 'out of range') {
        await this.#findLosses(found)
        return
      }
    } catch (later) {
      this.#locateLater(locateSoonMs)
      if (this.#failures === 1) logger.debug({ receiver: name, error: later }, 'a look at what is wrong with a fetch has failed')
    }
    if (this.#failures === 1 || this.#failures % 20 === 0)
      logger.warn({ receiver: name, failures: this.#failures, error }, 'events cannot be fetched from Kafka; trying again')
    this.#pauseFor(backOffMs(this.#failures, systemRandom, { maxMs: 2_000 }))
  }

  async #findLosses(sources: readonly Source[]): Promise<void> {
    const at = sources.map(({ spec }) => spec.at)
    const [starts, ends] = await Promise.all([this.#options.driver.offsets(at, 'earliest'), this.#options.driver.offsets(at, 'latest')])
    let lost = false
    for (const [n, source] of sources.entries()) {
      const [start, end] = [starts[n] ?? 0, ends[n] ?? 0]
      // Beyond the end: somebody has deleted the topic and made it anew.
      if (source.next >= start && source.next <= end) continue
      source.lose(start)
      lost = true
    }
    if (lost) this.#options.onChange()
    else this.#pauseFor(backOffMs(this.#failures, systemRandom, { maxMs: 2_000 }))
  }

  async #locate(sources: readonly Source[]): Promise<void> {
    const topics = await this.#options.driver.describe([...new Set(sources.map(({ spec }) => spec.at.topic))])
    for (const source of sources) {
      const { topic, partition } = source.spec.at
      source.leader = topics.get(topic)?.[partition] ?? ''
      if (source.leader !== '' && source.doubt !== undefined) await this.#compare(source)
    }
    this.#tellOfMissing(sources, topics)
    const isMissed = sources.some(({ leader }) => leader === '')
    if (isMissed) this.#locateLater(this.#missed ? locateMs : locateSoonMs)
    this.#missed = isMissed
  }

  #tellOfMissing(sources: readonly Source[], topics: ReadonlyMap<string, readonly string[]>): void {
    const { name: receiver, logger } = this.#options
    for (const [topic, its] of Map.groupBy(sources, ({ spec }) => spec.at.topic)) {
      const partitions = topics.get(topic)?.length
      if (partitions === undefined)
        logger.error(
          { receiver, topic },
          'a topic that is being read does not exist any more: create it again, by ensure or by hand; the others go on',
        )
      else if (its.some(({ spec }) => spec.at.partition >= partitions))
        logger.error({ receiver, topic, partitions }, 'a topic that is being read has too few partitions: add some; the others go on')
    }
  }

  /** Kafka's clients of today are not told which topic of a name they read: the newest record that was read tells it. */
  async #compare(source: Source): Promise<void> {
    const { driver, onChange } = this.#options
    const { at } = source.spec
    const { newest, doubt } = source
    // Where nothing was read yet, an offset beyond the end shows by itself.
    if (newest !== undefined && (await this.#isReplaced(source.leader, at, newest, doubt))) {
      const [start = 0] = await driver.offsets([at], 'earliest')
      source.lose(start)
      onChange()
    }
    source.doubt = undefined
  }

  async #isReplaced(leader: string, at: Partition, { offset, timestampMs, key }: Landmark, doubt: Source['doubt']): Promise<boolean> {
    const { driver } = this.#options
    try {
      const [fetched] = await driver.fetch(leader, { from: [{ ...at, offset }], maxWaitMs: 0, maxBytes, maxBytesPerPartition: maxBytes })
      const found = fetched?.records.find((record) => record.offset === offset)
      if (found !== undefined) return found.timestampMs !== timestampMs || String(found.key) !== key
      // One that is gone may have been compacted away; one beyond the end, as it was in the same answer, was never there. But a leader
      // that has just become one may not know its end yet.
      return doubt === 'missing' && fetched !== undefined && fetched.end <= offset
    } catch (error) {
      if (!(error instanceof KafkaFault) || error.kind !== 'out of range') throw error
      // Retention takes from the beginning. What is not before that is beyond the end, or was when it was asked for.
      const [start = 0] = await driver.offsets([at], 'earliest')
      return start <= offset
    }
  }

  #locating: Disposable | undefined

  #locateLater(afterMs: number): void {
    if (this.#locating !== undefined || this.#closed) return
    this.#locating = this.#options.clock.setTimer(afterMs, () => {
      this.#locating = undefined
      const lost = [...this.#sources].filter(({ leader, doubt }) => leader === '' || doubt !== undefined)
      if (this.#closed || lost.length === 0) return
      this.#locate(lost).then(
        () => this.pump(),
        () => this.#locateLater(locateMs),
      )
    })
  }

  #pauseFor(ms: number): void {
    if (this.#closed) return
    this.#pause?.[Symbol.dispose]()
    this.#pause = this.#options.clock.setTimer(ms, () => {
      this.#pause = undefined
      this.pump()
    })
  }
}
