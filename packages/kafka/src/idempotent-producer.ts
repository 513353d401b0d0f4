/**
 * An idempotent producer on connections of kafkajs. Each batch has the producer's id and a sequence number, by which its broker knows a
 * repetition: so a request without an answer is sent again, on a new connection, and its records are in the log once. That holds while
 * the batch stays the same: a call keeps its sequence numbers until it has its answers, and after one that failed nothing may follow.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { KafkaFault, type KafkaProducer, type NewRecord, partitionKey } from './driver.ts'
import { faultOf } from './kafkajs-fault.ts'
import { type Broker, produce } from './kafkajs-protocol.ts'
import { LeaderLink, type LeaderLinkOptions } from './leader-link.ts'
import { type ProducedBatch, type Producing, sequenceAfter } from './produce-request.ts'
import { ProtocolError } from './protocol-error.ts'
import { gravest, type Setback } from './setback.ts'

/**
 * How often one call goes on after each of them. What a broker has refused may go well a little later, e.g. where partitions get another
 * leader; one that has just started takes some seconds. A lost connection is replaced by a new one, and so is one on which nothing came,
 * which has taken `requestTimeout` already.
 */
const setbacksMax: Readonly<Record<Setback, number>> = { refused: 4, starting: 20, lost: 2, silent: 1, final: 0 }
const firstPauseMs = 50
const pauseMaxMs = 500
/** Part of the question for an id, where there are no transactions, too: what kafkajs takes. */
const transactionMs = 60_000

export interface IdempotentProducerOptions extends LeaderLinkOptions {
  /** How long leaders wait for their replicas, in ms: less than a request may take, or their answer would come too late. */
  readonly replicasMs: number
}

type Identity = Pick<Producing, 'producerId' | 'epoch'>

/** Connects with its first call. */
export class IdempotentProducer implements KafkaProducer {
  readonly #link: LeaderLink
  readonly #replicasMs: number
  readonly #closing = new AbortController()
  /** Of the next record, by partition. */
  readonly #sequences = new Map<string, number>()
  #identity: Identity | undefined
  #sending = false
  #failed = false

  constructor({ replicasMs, ...options }: IdempotentProducerOptions) {
    this.#replicasMs = replicasMs
    this.#link = new LeaderLink(options)
  }

  /** All of it goes as one request per broker: whoever calls sees to it that brokers take that much at once. */
  readonly send = async (records: readonly NewRecord[]): Promise<ReadonlyMap<string, number>> => {
    if (this.#sending || this.#failed) throw new KafkaFault('unavailable', 'writing: one call at a time, and none after one that failed')
    this.#sending = true
    if (!this.#link.isWhole) this.#beginAnew()
    try {
      return await this.#write(records)
    } catch (error) {
      this.#failed = true
      throw faultOf(error, 'writing')
    } finally {
      this.#sending = false
    }
  }

  /** Ends what is under way. Idempotent. */
  readonly close = async (): Promise<void> => {
    this.#closing.abort(new KafkaFault('unavailable', 'writing: the producer has been closed'))
    if (this.#sending || this.#failed) this.#link.abandon()
    else await this.#link.close()
  }

  /**
   * Between two calls there is nothing that a broker would have to know again. But behind a connection that has ended there may be
   * another Kafka by now, e.g. on an empty disk, that gives the same id to somebody else, and takes the records of one for those of the other.
   */
  #beginAnew(): void {
    this.#identity = undefined
    this.#sequences.clear()
  }

  async #write(records: readonly NewRecord[]): Promise<ReadonlyMap<string, number>> {
    const batches = this.#batchesOf(records)
    const offsets = new Map<string, number>()
    const setbacks: Record<Setback, number> = { refused: 0, starting: 0, lost: 0, silent: 0, final: 0 }
    for (let open = batches; open.length > 0; ) {
      const errors = await this.#attempt(open, offsets)
      open = open.filter((batch) => !offsets.has(partitionKey(batch)))
      if (open.length > 0) await this.#recover(open, errors, setbacks)
    }
    for (const batch of batches) this.#sequences.set(partitionKey(batch), sequenceAfter(batch.sequence, batch.records.length))
    if (setbacks.lost + setbacks.silent > 0) this.#beginAnew()
    return offsets
  }

  #batchesOf(records: readonly NewRecord[]): readonly ProducedBatch[] {
    return [...Map.groupBy(records, partitionKey)].map(([key, its]) => ({
      topic: its[0]?.topic ?? '',
      partition: its[0]?.partition ?? -1,
      records: its,
      sequence: this.#sequences.get(key) ?? 0,
    }))
  }

  /** Sends to all leaders at once. Notes the offsets of what was written, and answers what went wrong with the rest. */
  async #attempt(batches: readonly ProducedBatch[], offsets: Map<string, number>): Promise<readonly unknown[]> {
    try {
      this.#closing.signal.throwIfAborted()
      const leaders = [...(await this.#link.leadersOf(batches))]
      const identity = await this.#identify(leaders)
      const errors = await Promise.all(leaders.map(([broker, its]) => this.#produce(broker, its, identity, offsets)))
      return errors.flat()
    } catch (error) {
      return [error]
    }
  }

  /** Any broker gives a producer its id, once. */
  async #identify([first]: readonly (readonly [Broker, unknown])[]): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity
    if (first === undefined) throw new KafkaFault('unavailable', 'writing: there is no broker to ask')
    const { producerId, producerEpoch } = await first[0].initProducerId({ transactionTimeout: transactionMs })
    this.#identity = { producerId: BigInt(producerId), epoch: producerEpoch }
    return this.#identity
  }

  async #produce(
    broker: Broker,
    batches: readonly ProducedBatch[],
    identity: Identity,
    offsets: Map<string, number>,
  ): Promise<readonly unknown[]> {
    try {
      const answers = await produce(broker, batches, { ...identity, timestampMs: Date.now(), replicasMs: this.#replicasMs })
      for (const answer of answers) if (answer.errorCode === 0) offsets.set(partitionKey(answer), answer.offset)
      return answers.filter(({ errorCode }) => errorCode !== 0).map(({ errorCode }) => new ProtocolError(errorCode))
    } catch (error) {
      return [error]
    }
  }

  async #recover(open: readonly ProducedBatch[], errors: readonly unknown[], setbacks: Record<Setback, number>): Promise<void> {
    const { signal } = this.#closing
    signal.throwIfAborted()
    const { setback, error } = gravest(errors)
    if (++setbacks[setback] > setbacksMax[setback]) throw error
    if (setback === 'refused') this.#link.forget(open)
    else if (setback !== 'starting') this.#link.abandon()
    const many = setbacks.refused + setbacks.starting + setbacks.lost + setbacks.silent
    await pause(Math.min(firstPauseMs * 2 ** (many - 1), pauseMaxMs), undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
