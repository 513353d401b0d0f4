/**
 * A receiver of a stream: its feeds fill a queue per topic, `receive` empties them. Slots come with a cursor each and go with
 * it; what a lost slot has in the queues is dropped when it comes to the front.
 */
import {
  assertReceive,
  EventsLost,
  Fenced,
  InvalidArgument,
  type Delivery,
  type EventReceiver,
  type Logger,
  type ReceiveOptions,
  type SlotClaim,
  Stopped,
  Wakeup,
} from '@workflow/core/adapter'
import { nuid, type Subscription } from '@nats-io/transport-node'
import { endOf, seqAfter } from './event-pack.ts'
import { Feed, isAhead, type Source, startOf, type StreamFacts } from './feed.ts'
import { HandedOut } from './handed-out.ts'
import { type Keeping, type Notice, noticeOf } from './keeping.ts'
import type { Link, Listener, Session } from './session.ts'
import { claimCursor, type Claimed, type CursorRecord, Lane, SlotCursor } from './slot-cursor.ts'
import type { TailMessage } from './tail.ts'
import { TopicQueues } from './topic-queues.ts'

export interface StreamReceiverOptions<E> {
  readonly session: Session
  readonly link: Link
  readonly name: string
  readonly topics: readonly string[]
  readonly source: Source<E>
  /** Absent: every slot, from `place` on, and nothing is kept. */
  readonly keeping: Keeping | undefined
  readonly place: number
  readonly logger: Logger
  readonly onTick?: (message: TailMessage) => void
  readonly onEnd: () => void
}

/** So many events of a topic wait in a receiver; beyond it they wait on the server. */
const queueMax = 4_096
/** A feed at the end of the stream joins a new one that begins at most so many messages before it. */
const joinWithin = 10_000

export class StreamReceiver<E> implements EventReceiver<E>, Listener {
  readonly #options: StreamReceiverOptions<E>
  readonly #holder: string = nuid.next()
  readonly #queues: TopicQueues<HandedOut<E>>
  readonly #feeds = new Set<Feed<E>>()
  readonly #cursors = new Map<number, SlotCursor>()
  readonly #wakeup = new Wakeup()
  readonly #fenced = new Set<number>()
  readonly #lost: EventsLost[] = []
  readonly #notices: Subscription | undefined
  #stream = ''
  #assigning: Promise<void> = Promise.resolve()
  #receiving = false
  #shrunk = false
  /** The last message that had been read when the stream was asked. */
  #readBeforeLook = 0
  #ended: Promise<void> | undefined

  constructor(options: StreamReceiverOptions<E>) {
    this.#options = options
    const { session, link, keeping, topics, place } = options
    this.#queues = new TopicQueues(topics)
    if (keeping === undefined) for (const topic of topics) this.#addFeed(topic, undefined, place)
    else {
      this.#notices = link.connection.subscribe(keeping.noticeSubject, {
        callback: (error, message) => {
          if (error === null) this.#hear(message.string())
        },
      })
    }
    session.listen(this)
  }

  readonly receive = async (options: ReceiveOptions): Promise<readonly Delivery<E>[]> => {
    assertReceive(options, { name: this.#options.name, receiving: this.#receiving })
    this.#receiving = true
    try {
      return await this.#receive(options)
    } finally {
      this.#receiving = false
    }
  }

  async #receive({ max, except, signal }: ReceiveOptions): Promise<readonly Delivery<E>[]> {
    for (;;) {
      signal.throwIfAborted()
      if (this.#ended !== undefined) throw new Stopped(`the receiver ${JSON.stringify(this.#options.name)} has ended; open a new one`)
      this.#throwNews()
      const taken = this.#takeFrom(max, except)
      if (taken.length > 0) return taken
      await this.#wakeup.wait(signal)
    }
  }

  readonly assign = (claims: readonly SlotClaim[]): Promise<void> => {
    const work = this.#assigning.then(() => this.#assign(claims))
    this.#assigning = work.catch(() => undefined)
    return work
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => (this.#ended ??= this.#end())

  onReconnect(): void {
    for (const feed of this.#feeds) feed.restart()
    void this.#verify([...this.#cursors.keys()])
  }

  onBeat(): void {
    for (const feed of this.#feeds) feed.beat()
  }

  /** Called before the stream is asked how it is: what is read until it answers tells nothing of that. */
  prepareToLook(): void {
    this.#readBeforeLook = Math.max(0, ...Array.from(this.#feeds, (feed) => seqAfter(feed.read) - 1))
  }

  /** Looks whether the stream still has what is unread. */
  async look(facts: StreamFacts): Promise<void> {
    if (this.#options.keeping === undefined || this.#ended !== undefined) return
    const shrunk = facts.lastSeq < this.#readBeforeLook
    // A leader that is new may not know its last messages for a moment.
    const replaced = facts.created !== this.#stream || (shrunk && this.#shrunk)
    this.#shrunk = shrunk
    if (replaced) return this.#beginAnew(facts)
    for (const feed of this.#feeds) {
      const { readBefore } = feed
      feed.readBefore = Math.max(feed.read, endOf(facts.firstSeq - 1))
      if (facts.firstSeq > seqAfter(readBefore)) await this.#lose([...(feed.lanes?.values() ?? [])], facts)
    }
  }

  #throwNews(): void {
    if (this.#fenced.size > 0) {
      const slots = [...this.#fenced].sort((a, b) => a - b)
      this.#fenced.clear()
      throw this.#fencedSlots(slots)
    }
    const lost = this.#lost.shift()
    if (lost !== undefined) throw lost
  }

  #takeFrom(max: number, except: ReadonlySet<string> | undefined): readonly Delivery<E>[] {
    return this.#queues.take(max, except, (topic) => {
      if (this.#queues.lengthOf(topic) < queueMax / 2) for (const feed of this.#feeds) if (feed.topic === topic) feed.resume()
    })
  }

  // ── Slots ──

  async #assign(claims: readonly SlotClaim[]): Promise<void> {
    const { session, link, name, keeping } = this.#options
    if (keeping === undefined) throw new InvalidArgument('an ephemeral receiver sees all slots; it takes no claims')
    this.#assertOpen(name)
    const wanted = new Map(claims.map((claim) => [claim.slot, claim]))
    // A slot under a newer fence is taken anew, so that the server knows the fence.
    const going = [...this.#cursors.values()].filter((cursor) => !cursor.isUnder(wanted.get(cursor.slot)?.fence))
    await this.#giveBack(going, (cursor) => cursor.fenced())
    const coming = [...wanted.values()].filter(({ slot }) => this.#cursors.get(slot)?.isHeld !== true)
    if (coming.length === 0) return
    const { refused, facts, taken } = await session.run('claiming slots', async ({ state }) => {
      const before = await keeping.facts()
      const claimed = await Promise.all(
        coming.map((claim) =>
          claimCursor(state, {
            subject: keeping.cursorSubject(claim.slot),
            claim,
            holder: this.#holder,
            stream: before.created,
            starts: keeping.starts,
          }),
        ),
      )
      // A cursor may have moved on between the two questions: what it knows of is not lost.
      const after = claimed.some((one) => one !== undefined && isAhead(one, before)) ? await keeping.facts() : before
      // Another stream is found at the next look at it.
      const facts = after.created === before.created ? after : before
      const refused = coming.filter((_, n) => claimed[n] === undefined).map(({ slot }) => slot)
      const taken = coming.flatMap(({ slot }, n) => {
        const one = claimed[n]
        return one === undefined ? [] : [{ slot, claimed: one }]
      })
      return { refused, facts, taken }
    })
    this.#assertOpen(name)
    if (taken.length > 0) {
      const notice: Notice = { holder: this.#holder, slots: taken.map(({ slot }) => slot) }
      link.connection.publish(keeping.noticeSubject, JSON.stringify(notice))
      await this.#begin(taken, facts)
    }
    if (refused.length > 0) throw this.#fencedSlots(refused)
  }

  async #begin(taken: readonly { readonly slot: number; readonly claimed: Claimed }[], facts: StreamFacts): Promise<void> {
    const lanes: Lane[] = []
    const gone: Lane[] = []
    // Those that were there before have lost theirs.
    if (this.#cursors.size > 0 && this.#stream !== facts.created) await this.#beginAnew(facts)
    this.#stream = facts.created
    for (const { slot, claimed } of taken) {
      const cursor = new SlotCursor({
        subject: this.#options.keeping?.cursorSubject(slot) ?? '',
        slot,
        claimed,
        onLost: (lost) => this.#drop(lost),
      })
      this.#cursors.set(slot, cursor)
      this.#fenced.delete(slot)
      for (const topic of this.#options.topics) {
        const place = claimed.record.lanes[topic] ?? 0
        const lane = new Lane(cursor, topic, startOf(place, claimed.replaced, facts), claimed.known ? endOf(facts.lastSeq) : 0)
        cursor.lanes.set(topic, lane)
        lanes.push(lane)
        if (lane.read !== place || claimed.replaced) gone.push(lane)
      }
    }
    for (const topic of this.#options.topics)
      this.#join(topic, new Map(lanes.filter((lane) => lane.topic === topic).map((lane) => [lane.cursor.slot, lane])))
    await this.#lose(gone, facts)
  }

  /** Reads lanes of a topic, together with those that are near. */
  #join(topic: string, lanes: Map<number, Lane>): void {
    const from = Math.min(...Array.from(lanes.values(), ({ read }) => read))
    for (const feed of this.#feeds) {
      if (feed.topic !== topic || !feed.atEnd || seqAfter(feed.read) - seqAfter(from) > joinWithin) continue
      for (const [slot, lane] of feed.lanes ?? []) {
        // In order, whatever is before it has been read.
        lane.read = Math.max(lane.read, feed.read)
        lanes.set(slot, lane)
      }
      this.#removeFeed(feed)
    }
    this.#addFeed(topic, lanes, 0)
  }

  #addFeed(topic: string, lanes: ReadonlyMap<number, Lane> | undefined, place: number): void {
    const { session, link, source, logger, onTick } = this.#options
    const feed: Feed<E> = new Feed({
      link,
      source,
      topic,
      lanes,
      place,
      logger,
      onTrouble: (error) => session.trouble(source.stream, error),
      onEvent: (event, _, slot, at, lane) => this.#queues.push(topic, new HandedOut(event, topic, slot, at, lane, this.#acked)),
      onMessage: (message, tick) => {
        if (tick) this.#passTime(feed)
        if (tick) onTick?.(message)
        else this.#wakeup.wake()
        if (this.#queues.lengthOf(topic) >= queueMax) feed.pause()
      },
    })
    this.#feeds.add(feed)
  }

  #removeFeed(feed: Feed<E>): void {
    this.#feeds.delete(feed)
    void feed.close()
  }

  /** Nothing of an idle lane is before the mark: its cursor may move up to it, so that it holds no old events back. */
  #passTime(feed: Feed<E>): void {
    for (const { cursor } of feed.lanes?.values() ?? []) this.#options.keeping?.flusher.mark(cursor, this.#stream)
  }

  readonly #acked = (lane: Lane): Promise<void> => {
    const durable = lane.cursor.durable()
    if (lane.cursor.isHeld) this.#options.keeping?.flusher.mark(lane.cursor, this.#stream)
    return durable
  }

  async #giveBack(cursors: readonly SlotCursor[], error: (cursor: SlotCursor) => Error): Promise<void> {
    const { keeping } = this.#options
    if (keeping === undefined) return
    // What cannot be written now comes again, to whoever has the slot then.
    await Promise.all(cursors.map((cursor) => keeping.flusher.write(cursor, this.#stream)))
    for (const cursor of cursors) {
      cursor.release(error(cursor))
      this.#forget(cursor)
    }
  }

  #drop(cursor: SlotCursor): void {
    this.#fenced.add(cursor.slot)
    this.#forget(cursor)
    this.#wakeup.wake()
  }

  #forget({ slot }: SlotCursor): void {
    this.#cursors.delete(slot)
    for (const feed of this.#feeds) if (feed.lanes?.has(slot) === true && !feed.remove(slot)) this.#removeFeed(feed)
  }

  #hear(text: string): void {
    const notice = noticeOf(text)
    if (notice !== undefined && notice.holder !== this.#holder) void this.#verify(notice.slots ?? [...this.#cursors.keys()])
  }

  /** Looks whether slots are still ours. */
  async #verify(slots: readonly number[]): Promise<void> {
    const { session, keeping } = this.#options
    if (keeping === undefined) return
    for (const slot of slots) {
      const cursor = this.#cursors.get(slot)
      if (cursor === undefined || !cursor.isHeld) continue
      try {
        const present = await session.run('reading a cursor', ({ state }) => state.get<CursorRecord>(cursor.subject))
        if (present?.value.holder !== this.#holder) cursor.lose()
      } catch {
        // The next write of it finds out.
      }
    }
  }

  // ── Losses ──

  /** The stream is another one, or has forgotten its end: reads what there is. */
  async #beginAnew(facts: StreamFacts): Promise<void> {
    this.#shrunk = false
    this.#stream = facts.created
    const lanes = [...this.#cursors.values()].flatMap((cursor) => [...cursor.lanes.values()])
    this.#queues.clear()
    for (const feed of this.#feeds) this.#removeFeed(feed)
    const cursors = [...this.#cursors.values()]
    for (const cursor of cursors)
      for (const topic of cursor.lanes.keys())
        cursor.lanes.set(topic, new Lane(cursor, topic, endOf(facts.firstSeq - 1), endOf(facts.lastSeq)))
    for (const topic of this.#options.topics) {
      const fresh = new Map(
        cursors.flatMap((cursor) => {
          const lane = cursor.lanes.get(topic)
          return lane === undefined ? [] : [[cursor.slot, lane] as const]
        }),
      )
      if (fresh.size > 0) this.#addFeed(topic, fresh, 0)
    }
    await this.#lose(lanes, facts)
  }

  /** Tells of lanes that have lost something, as far as there was something to lose. */
  async #lose(lanes: readonly Lane[], { firstSeq }: StreamFacts): Promise<void> {
    const { keeping, name } = this.#options
    if (keeping === undefined) return
    const used = await Promise.all(lanes.map(({ topic, cursor }) => keeping.wasUsed(topic, cursor.slot)))
    for (const [n, { topic, cursor }] of lanes.entries()) {
      if (cursor.isHeld) keeping.flusher.mark(cursor, this.#stream)
      if (used[n] !== true || !cursor.isHeld) continue
      this.#lost.push(
        new EventsLost(
          `receiver ${JSON.stringify(name)}: the stream dropped events of topic ${JSON.stringify(topic)}, slot ${cursor.slot}, that were not read: raise maxAge or maxBytes`,
          { details: { receiver: name, topic, slot: cursor.slot, slots: [cursor.slot], firstSeq } },
        ),
      )
    }
    if (this.#lost.length > 0) this.#wakeup.wake()
  }

  // ── The end ──

  #assertOpen(name: string): void {
    if (this.#ended !== undefined) throw new Stopped(`the receiver ${JSON.stringify(name)} has ended; open a new one`)
  }

  #fencedSlots(slots: readonly number[]): Fenced {
    const { name } = this.#options
    return new Fenced(`receiver ${JSON.stringify(name)}: a newer holder has slots ${slots.join(', ')}; stop working on their events`, {
      details: { receiver: name, slots },
    })
  }

  async #end(): Promise<void> {
    const { session, link, name } = this.#options
    session.unlisten(this)
    this.#wakeup.wake()
    await this.#assigning
    if (!link.connection.isClosed()) this.#notices?.unsubscribe()
    const feeds = [...this.#feeds]
    this.#feeds.clear()
    const stopped = new Stopped(`the receiver ${JSON.stringify(name)} has ended; open a new one`)
    await this.#giveBack([...this.#cursors.values()], () => stopped)
    await Promise.all(feeds.map((feed) => feed.close()))
    this.#options.onEnd()
  }
}
