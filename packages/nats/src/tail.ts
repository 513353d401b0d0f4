/**
 * Reads a stream in order from a given message, by a consumer on the server that keeps no place: it lives as long as it is
 * pulled from, and is made anew from the last message read when it has gone, skipped something, or stopped answering.
 * The client's own ordered consumer asks a consumer that is gone with its server whether it is there, and waits.
 *
 * Messages are pulled, so many at a time, while there is room for them: the server sends no faster than they are taken.
 */
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream'
import { createInbox, type Msg, type MsgHdrs, type Subscription } from '@nats-io/transport-node'
import { apiCode } from './nats-error.ts'
import type { Link } from './session.ts'

/** A message as it was read. */
export interface TailMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: MsgHdrs | undefined
  readonly seq: number
  /** When the server stored it, in milliseconds since the epoch. */
  readonly atMs: number
  /** How many messages were behind it. */
  readonly pending: number
}

export interface TailOptions {
  readonly link: Link
  readonly stream: string
  /** Asked again whenever the consumer is made. */
  readonly filters: () => readonly string[]
  /** The first message to read, asked again whenever the consumer is made. */
  readonly from: () => number
  readonly onMessage: (message: TailMessage) => void
  /** The consumer is there, with so many messages before it. */
  readonly onStart: (pending: number) => void
  /** The consumer cannot be made: told once per trouble. */
  readonly onTrouble: (error: unknown) => void
}

const nanos = 1_000_000
/** So many messages are asked for at once. */
const batch = 256
const expiresMs = 30_000
const heartbeatMs = 1_500
/** Without a word for so long the consumer counts as gone. */
const silenceMs = 3_500
/** After so long without being pulled from, the server forgets a consumer. */
const forgetMs = 60_000
const restartMs = 500
/** A new consumer may be unheard of for so long, and is asked again after so long. */
const unheardMs = 2_000
const againMs = 20

export class Tail {
  readonly #options: TailOptions
  #consumer: string | undefined
  #subscription: Subscription | undefined
  /** Messages asked for that have not come. */
  #asked = 0
  /** How many the consumer has delivered. */
  #delivered = 0
  #heardAt = 0
  #madeAt = 0
  #startedAt = Number.NEGATIVE_INFINITY
  #starting: Promise<void> | undefined
  #again = false
  #paused = false
  #troubled = false
  #closed = false

  constructor(options: TailOptions) {
    this.#options = options
  }

  /** Begins to read, or begins anew: what was on its way is dropped and comes again. */
  restart(): void {
    if (this.#closed) return
    this.#again = true
    this.#starting ??= this.#startWhileAsked()
  }

  /** Takes no more than what is on its way. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#pull()
  }

  /** Called now and then: looks whether the consumer still answers. */
  beat(): void {
    if (this.#closed || this.#starting !== undefined) return
    const now = performance.now()
    const silent = this.#asked > 0 && now - this.#heardAt > silenceMs
    if (silent || this.#consumer === undefined) this.restart()
  }

  /** Stops reading, and removes the consumer from the server. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#starting
    await this.#drop()
  }

  async #startWhileAsked(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      const waitMs = this.#startedAt + restartMs - performance.now()
      if (waitMs > 0 && this.#troubled) await new Promise((resolve) => setTimeout(resolve, waitMs))
      this.#startedAt = performance.now()
      await this.#start()
    }
    this.#starting = undefined
  }

  async #start(): Promise<void> {
    const { link, stream, filters, from, onStart } = this.#options
    const gone = this.#drop()
    try {
      await gone
      const { name, num_pending: pending } = await link.manager.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: Math.max(1, from()),
        filter_subjects: [...filters()],
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: forgetMs * nanos,
      })
      this.#consumer = name
      this.#delivered = 0
      this.#asked = 0
      this.#heardAt = performance.now()
      this.#madeAt = this.#heardAt
      const subscription: Subscription = link.connection.subscribe(createInbox(), {
        callback: (error, message) => {
          if (subscription === this.#subscription) this.#take(error, message)
        },
      })
      this.#subscription = subscription
      this.#troubled = false
      onStart(pending)
      this.#pull()
    } catch (error) {
      // The next beat tries again.
      if (!this.#troubled && !this.#closed) this.#options.onTrouble(error)
      this.#troubled = true
    }
  }

  #take(error: Error | null, message: Msg): void {
    if (error !== null) return this.restart()
    this.#heardAt = performance.now()
    if (message.reply?.startsWith('$JS.ACK.') !== true) return this.#takeStatus(message)
    const place = placeIn(message.reply)
    // One that was on its way when the connection broke never comes.
    if (place.delivered !== this.#delivered + 1) return this.restart()
    this.#delivered++
    this.#asked--
    this.#options.onMessage({
      subject: message.subject,
      data: message.data,
      headers: message.headers,
      seq: place.seq,
      atMs: place.atMs,
      pending: place.pending,
    })
    if (this.#asked <= batch / 2) this.#pull()
  }

  #takeStatus({ headers }: Msg): void {
    const code = headers?.code ?? 0
    // A sign of life.
    if (code === 100) return
    const unfilled = Number(headers?.get('Nats-Pending-Messages') ?? '')
    if (Number.isInteger(unfilled) && unfilled > 0) this.#asked = Math.max(0, this.#asked - unfilled)
    if (code === 408 || (code === 409 && /Batch Completed/i.test(headers?.description ?? ''))) this.#pull()
    else if (code === 503 && this.#delivered === 0 && performance.now() - this.#madeAt < unheardMs) this.#pullSoon()
    // Deleted, moved to another server, or nobody there.
    else this.restart()
  }

  #pull(): void {
    const missing = batch - this.#asked
    if (this.#paused || this.#closed || this.#consumer === undefined || this.#subscription === undefined || missing <= 0) return
    if (this.#asked === 0) this.#heardAt = performance.now()
    this.#asked += missing
    const { link, stream } = this.#options
    const request = { batch: missing, expires: expiresMs * nanos, idle_heartbeat: heartbeatMs * nanos }
    try {
      link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, JSON.stringify(request), {
        reply: this.#subscription.getSubject(),
      })
    } catch {
      // The connection is closed for good: its owner has ended it.
      this.#consumer = undefined
    }
  }

  /** In a cluster it takes a moment until our server knows where a new consumer is. */
  #pullSoon(): void {
    const subscription = this.#subscription
    setTimeout(() => {
      if (subscription !== this.#subscription) return
      this.#asked = 0
      this.#pull()
    }, againMs)
  }

  async #drop(): Promise<void> {
    const { link, stream } = this.#options
    const name = this.#consumer
    this.#subscription?.unsubscribe()
    this.#subscription = undefined
    this.#consumer = undefined
    if (name === undefined || link.connection.isClosed()) return
    const deleted = link.manager.consumers.delete(stream, name).catch((error: unknown) => apiCode(error))
    // Whoever begins anew need not wait: the server forgets the old one by itself.
    if (this.#closed) await deleted
  }
}

interface Place {
  readonly seq: number
  readonly delivered: number
  readonly atMs: number
  readonly pending: number
}

/** What the server says of a message: `$JS.ACK.` and, in newer versions, domain and account, then stream, consumer, tries, sequence, delivery, time, pending. */
function placeIn(reply: string): Place {
  const tokens = reply.split('.')
  const first = tokens.length > 9 ? 7 : 5
  return {
    seq: Number(tokens[first]),
    delivered: Number(tokens[first + 1]),
    atMs: Number(tokens[first + 2]?.slice(0, -6)),
    pending: Number(tokens[first + 3]),
  }
}
