/**
 * Reads the log for one receiver. Each topic has a bounded buffer: while the topic is live, committed events are pushed
 * into it; when it is full the topic falls behind alone, and is read from the table once there is room again. Events of
 * a topic that nobody takes cost nothing but that.
 */
import {
  assertReceive,
  Fenced,
  Fifo,
  InvalidArgument,
  Stopped,
  Wakeup,
  type EventReceiver,
  type ReceiveOptions,
  type RunEvent,
  type SlotClaim,
} from '@workflow/core/adapter'
import { batchSize } from './commit-statement.ts'
import type { Claimed, CursorRow } from './cursor.ts'
import type { CursorOwner } from './cursor-flusher.ts'
import { everyTopic, type EventLog, type LogReader } from './event-log.ts'
import type { LogEntry } from './log-entry.ts'
import { RunDelivery } from './run-delivery.ts'
import type { Session } from './session.ts'
import { SlotCursor } from './slot-cursor.ts'
import { allSlots, maskOf, noSlots, type SlotMask } from './slot-mask.ts'

export interface LogReceiverOptions {
  readonly session: Session
  /** Absent: ephemeral, reads every slot from `start`. */
  readonly receiver?: number
  readonly topics: readonly string[]
  /** Only events of this workflow, where the topics do not say so. */
  readonly workflowName?: string
  /** Where an ephemeral receiver begins: after an id, but with these batches. */
  readonly start: { readonly position: number; readonly holes: ReadonlySet<number> }
  /** Takes cursors over; answers undefined for those that a newer holder has. */
  readonly claim: (claims: readonly SlotClaim[], before: readonly CursorRow[]) => Promise<readonly (Claimed | undefined)[]>
  readonly onEnd: () => void
}

interface Topic {
  readonly name: string
  readonly buffer: Fifo<RunDelivery>
  /** Every event up to here was looked at, while the topic is not live. */
  through: number | undefined
  /** What has come since a scan was begun that reaches the end of the log. */
  arrived: LogEntry[] | undefined
}

/** So many events of one topic are kept in memory; the rest stays in the table. */
const bufferMax = 4_096
/** One scan takes so many events. */
const scanEvents = 1_000

export class LogReceiver implements LogReader, CursorOwner, EventReceiver<RunEvent> {
  readonly topics: readonly string[]
  slots: SlotMask
  readonly #options: LogReceiverOptions
  readonly #log: EventLog
  readonly #buffers: ReadonlyMap<string, Topic>
  readonly #slots = new Map<number, SlotCursor>()
  readonly #wakeup = new Wakeup()
  #fenced: number[] = []
  /** Changes whenever slots or positions change under a scan's feet. */
  #changes = 0
  #turn = 0
  #stopped = false
  #receiving = false

  constructor(options: LogReceiverOptions) {
    this.#options = options
    this.#log = options.session.log
    this.topics = options.topics
    this.slots = options.receiver === undefined ? allSlots : noSlots
    this.#buffers = new Map(
      options.topics.map((name) => [name, { name, buffer: new Fifo<RunDelivery>(), through: undefined, arrived: undefined }]),
    )
  }

  /** Joins the log, which must have begun. `claimed` are the cursors that were just taken over. */
  async start(claimed: readonly Claimed[]): Promise<void> {
    const log = this.#log
    log.add(this)
    const { receiver, start } = this.#options
    if (receiver === undefined) {
      if (start.position < log.position) for (const topic of this.#buffers.values()) topic.through = start.position
      // What was on its way at that moment, and has come since.
      for (const hole of start.holes) if (hole * batchSize <= log.position && !log.gaps.has(hole)) log.reopen(hole)
    }
    await this.#take(claimed)
  }

  readonly offer = (name: string, entry: LogEntry): void => {
    const topic = this.#buffers.get(name)
    if (topic === undefined) return
    if (topic.through !== undefined && !entry.late) {
      if (topic.arrived !== undefined && topic.arrived.push(entry) > bufferMax) topic.arrived = undefined
      return
    }
    if (topic.buffer.length >= bufferMax && !entry.late) return this.#fallBehind(topic, entry.id - 1)
    if (this.#push(topic, entry)) this.#wakeup.wake()
  }

  readonly resolved = (batch: number): void => {
    for (const slot of this.#slots.values()) if (slot.holes.delete(batch)) slot.dirty = true
    this.#wakeup.wake()
  }

  readonly checkClaims = (): void => {
    const { session, receiver } = this.#options
    if (receiver === undefined || this.#slots.size === 0) return
    const slots = [...this.#slots.values()]
    void session.database
      .query<[number, number]>('SELECT slot, epoch FROM {cursor} WHERE receiver = $1', [receiver])
      .then((rows) => {
        const epochs = new Map(rows)
        for (const slot of slots) {
          if (this.#slots.get(slot.slot) === slot && epochs.get(slot.slot) !== slot.claimed.epoch) slot.lose()
        }
        this.dropLost()
      })
      // The next acknowledgement finds out.
      .catch(() => undefined)
  }

  readonly dirtySlots = (): readonly SlotCursor[] => [...this.#slots.values()].filter(({ dirty, lost }) => dirty && !lost)

  readonly rowOf = (slot: SlotCursor): CursorRow => {
    const { position, gaps } = this.#log
    const end = Math.max(position, slot.claimed.position)
    const holes = gaps.numbers.filter((batch) => gaps.get(batch)?.targeted === false && batch * batchSize <= end)
    return slot.row(position, holes, (topic) => this.#buffers.get(topic)?.through ?? position)
  }

  readonly receive = async (options: ReceiveOptions): Promise<readonly RunDelivery[]> => {
    assertReceive(options, { receiving: this.#receiving })
    const { max, except, signal } = options
    this.#receiving = true
    try {
      for (;;) {
        this.#throwIfOver(signal)
        const more = await this.#scan(except)
        this.#throwIfOver(signal)
        const deliveries = this.#collect(max, except)
        if (deliveries.length > 0) return deliveries
        if (!more) await this.#wakeup.wait(signal)
      }
    } finally {
      this.#receiving = false
    }
  }

  readonly assign = async (claims: readonly SlotClaim[]): Promise<void> => {
    const { session, receiver, claim } = this.#options
    if (receiver === undefined) throw new InvalidArgument('an ephemeral receiver reads every slot and takes no claims')
    if (this.#stopped) throw this.#over()
    const refused = await session.flusher.alone(async () => {
      const wanted = new Map(claims.map((one) => [one.slot, one]))
      const going = [...this.#slots.values()].filter(({ slot, claimed }) => !isSameFence(wanted.get(slot), claimed.claim))
      const coming = [...wanted.values()].filter(({ slot }) => !this.#slots.has(slot) || going.some((other) => other.slot === slot))
      if (going.length + coming.length === 0) return []
      // What was acknowledged before must not come again because the slot moves on. From here on the log goes past their
      // events without telling them, so their cursors end at what was read until now, however long the write takes.
      const rows = going.map((slot) => this.rowOf(slot))
      for (const { slot } of going) this.#slots.delete(slot)
      this.#slotsChanged()
      let outcome: readonly (Claimed | undefined)[]
      try {
        outcome = await claim(coming, rows)
      } catch (error) {
        for (const slot of going) slot.lose()
        for (const { slot } of going) this.#fenced.push(slot)
        throw error
      }
      for (const slot of going) {
        slot.flushed()
        slot.lose()
      }
      if (this.#stopped) throw this.#over()
      await this.#take(outcome.filter((one) => one !== undefined))
      return coming.filter((_, i) => outcome[i] === undefined).map(({ slot }) => slot)
    })
    if (refused.length > 0) throw fencedSlots(refused)
  }

  readonly [Symbol.asyncDispose] = async (): Promise<void> => {
    if (this.#stopped) return
    this.#stopped = true
    const { session, receiver, onEnd } = this.#options
    this.#wakeup.wake()
    onEnd()
    if (receiver !== undefined && this.dirtySlots().length > 0) {
      session.flusher.dirty(this)
      await session.flusher.flush()
    }
    session.flusher.forget(this)
    this.#log.remove(this)
    // Those who still wait for their acknowledgement are told: a cursor that was not written delivers again.
    for (const slot of this.#slots.values()) slot.lose()
  }

  readonly dropLost = (): void => {
    for (const [number, slot] of this.#slots) {
      if (!slot.lost) continue
      this.#slots.delete(number)
      this.#slotsChanged()
      this.#fenced.push(number)
    }
    if (this.#fenced.length > 0) this.#wakeup.wake()
  }

  #slotsChanged(): void {
    this.#changes++
    this.slots = maskOf(this.#slots.keys())
    this.#log.wantsChanged()
  }

  /** Takes the slots of cursors that were claimed, with what they had left open below their position. */
  async #take(claimed: readonly Claimed[]): Promise<void> {
    const { receiver, session } = this.#options
    if (receiver === undefined || claimed.length === 0) return
    const slots = claimed.map((one) => new SlotCursor(receiver, one, this.#buffers.keys()))
    const batches = [...new Set(claimed.flatMap(({ holes }) => holes))]
    const ids = [...new Set(claimed.flatMap(({ lanes }) => Object.values(lanes).flatMap(([, ...open]) => open)))]
    const picked = batches.length + ids.length === 0 ? [] : await session.pick(batches, ids)
    const present = new Set(picked.map(({ batch }) => batch))
    const log = this.#log
    for (const slot of slots) {
      this.#slots.set(slot.slot, slot)
      for (const [name, lane] of slot.lanes) {
        const topic = this.#buffers.get(name)
        if (topic !== undefined && lane.last < log.position) this.#fallBehind(topic, Math.min(topic.through ?? lane.last, lane.last))
      }
      for (const hole of slot.claimed.holes) {
        if (present.has(hole)) continue
        slot.holes.add(hole)
        if (!log.gaps.has(hole)) log.reopen(hole)
      }
    }
    this.#slotsChanged()
    for (const entry of picked) this.#pushPicked(entry)
    this.#wakeup.wake()
  }

  /** An event that its cursor had left open comes again, in the topics where it was. */
  #pushPicked(entry: LogEntry): void {
    const slot = this.#slots.get(entry.slot)
    for (const name of this.#buffers.has(everyTopic) ? [everyTopic] : entry.topics) {
      const topic = this.#buffers.get(name)
      const lane = slot?.lanes.get(name)
      if (topic === undefined || lane === undefined || slot === undefined || entry.id > lane.last) continue
      const [, ...open] = slot.claimed.lanes[name] ?? [0]
      if (open.includes(entry.id) || slot.claimed.holes.includes(entry.batch)) this.#hold(topic, entry, lane)
    }
  }

  #push(topic: Topic, entry: LogEntry): boolean {
    const { receiver, workflowName, start } = this.#options
    if (workflowName !== undefined && entry.workflowName !== workflowName) return false
    if (receiver === undefined) {
      if (entry.id <= start.position ? !start.holes.has(entry.batch) : this.#log.gaps.get(entry.batch)?.targeted === true) return false
      if (entry.late && topic.through !== undefined && entry.id > topic.through) return false
      topic.buffer.push(new RunDelivery(entry, topic.name, undefined, this.#ack))
      return true
    }
    const lane = this.#slots.get(entry.slot)?.lanes.get(topic.name)
    if (lane === undefined || !lane.lacks(entry, topic.through, this.#log.gaps.get(entry.batch)?.targeted === true)) return false
    this.#hold(topic, entry, lane)
    return true
  }

  #hold(topic: Topic, entry: LogEntry, lane: SlotCursor['lanes'] extends ReadonlyMap<string, infer Lane> ? Lane : never): void {
    const { workflowName } = this.#options
    if (workflowName !== undefined && entry.workflowName !== workflowName) return
    const delivery = new RunDelivery(entry, topic.name, lane, this.#ack)
    lane.push(delivery)
    topic.buffer.push(delivery)
  }

  #fallBehind(topic: Topic, through: number): void {
    topic.through = through
    topic.arrived = undefined
    this.#changes++
  }

  /** Reads what topics that are behind have missed, one step. Answers whether there is more to read at once. */
  async #scan(except: ReadonlySet<string> | undefined): Promise<boolean> {
    const log = this.#log
    const hungry: Topic[] = []
    let from = log.position
    for (const topic of this.#buffers.values()) {
      if (topic.through === undefined || except?.has(topic.name) === true || topic.buffer.length > bufferMax / 2) continue
      hungry.push(topic)
      from = Math.min(from, topic.through)
    }
    if (hungry.length === 0) return false
    for (const topic of hungry) topic.arrived = []
    const [to, fills, changes] = [log.position, log.fills, this.#changes]
    const names = new Set(hungry.map(({ name }) => name))
    const slots = this.#options.receiver === undefined ? undefined : [...this.#slots.keys()]
    const entries = await this.#options.session.scan(from, to, names, slots, scanEvents)
    // The ground has moved: what was read may lack what has come to light meanwhile, or be for slots that are gone.
    if (log.fills !== fills || this.#changes !== changes) return true
    const gap = entries.find(({ batch }) => log.gaps.has(batch))
    let end = entries.length === scanEvents ? (entries.at(-1)?.id ?? to) : to
    if (gap !== undefined) {
      // Visible, but the log has not read it yet: it will in a moment, and then this goes on from here.
      end = gap.batch * batchSize - 1
      log.look()
    }
    for (const entry of entries) {
      if (entry.id > end) break
      for (const name of names.has(everyTopic) ? [everyTopic] : entry.topics) {
        const topic = names.has(name) ? this.#buffers.get(name) : undefined
        if (topic !== undefined && entry.id > (topic.through ?? 0)) this.#push(topic, entry)
      }
    }
    for (const topic of hungry) this.#catchUp(topic, end, to)
    return end < log.position && gap === undefined
  }

  /** A scan has shown everything up to `end`; had it shown everything up to `to`, the topic is live with what came since. */
  #catchUp(topic: Topic, end: number, to: number): void {
    const { arrived } = topic
    topic.arrived = undefined
    topic.through = Math.max(topic.through ?? 0, end)
    for (const slot of this.#slots.values()) {
      const lane = slot.lanes.get(topic.name)
      if (lane !== undefined) lane.last = Math.max(lane.last, end)
    }
    if (end < to || arrived === undefined) return
    topic.through = undefined
    for (const entry of arrived) this.offer(topic.name, entry)
  }

  #collect(max: number, except: ReadonlySet<string> | undefined): RunDelivery[] {
    const topics = [...this.#buffers.values()].filter(({ name, buffer }) => buffer.length > 0 && except?.has(name) !== true)
    const deliveries: RunDelivery[] = []
    const share = Math.max(1, Math.ceil(max / Math.max(1, topics.length)))
    // Topics take turns, so that a full one leaves room for the others.
    for (
      let rest = topics, first = this.#turn++;
      rest.length > 0 && deliveries.length < max;
      rest = rest.filter(({ buffer }) => buffer.length > 0)
    ) {
      for (let i = 0; i < rest.length; i++) {
        const topic = rest[(first + i) % rest.length]
        if (topic !== undefined) this.#takeFrom(topic, Math.min(share, max - deliveries.length), deliveries)
      }
    }
    return deliveries
  }

  #takeFrom({ buffer }: Topic, count: number, deliveries: RunDelivery[]): void {
    for (let left = count; left > 0; ) {
      const delivery = buffer.shift()
      if (delivery === undefined) return
      // Its slot may have been given up while it waited here.
      if (delivery.lane !== undefined && this.#slots.get(delivery.slot) !== delivery.lane.slot) continue
      delivery.handedOut = true
      deliveries.push(delivery)
      left--
    }
  }

  readonly #ack = (delivery: RunDelivery): Promise<void> => {
    const { lane } = delivery
    if (lane === undefined) return Promise.resolve()
    const { slot } = lane
    if (slot.lost) return Promise.reject(slot.fenced())
    if (delivery.acked) return slot.waiting ?? Promise.resolve()
    lane.ack(delivery)
    const written = slot.waitForFlush()
    this.#options.session.flusher.dirty(this)
    return written
  }

  #throwIfOver(signal: AbortSignal): void {
    if (this.#stopped) throw this.#over()
    signal.throwIfAborted()
    if (this.#fenced.length > 0) throw fencedSlots(this.#fenced.splice(0))
  }

  #over(): Stopped {
    return new Stopped('this receiver has ended; open a new one')
  }
}

function isSameFence(one: SlotClaim | undefined, other: SlotClaim): boolean {
  const [a, b] = [one?.fence, other.fence]
  return a !== undefined && a.token === b.token && a.domain === b.domain && a.role === b.role
}

/** A claim, or a slot, that belongs to a newer holder. */
export function fencedSlots(slots: readonly number[]): Fenced {
  return new Fenced(`a newer holder has taken slot ${slots.join(', ')}: stop, and ask for the role again`, { details: { slots } })
}
