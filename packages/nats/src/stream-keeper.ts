/**
 * Looks after the stream of a workflow while somebody here reads it. Every few seconds, by turns of those who do: a mark of
 * the time goes into the stream, which tells readers of idle topics how far they have come; what every receiver has
 * acknowledged, and has been kept long enough, is deleted. And each looks whether the stream still has what it has not read.
 *
 * Whatever of it fails, or is done twice, is done again at the next turn.
 */
import type { Logger } from '@workflow/core/adapter'
import { seqAfter } from './event-pack.ts'
import type { StreamFacts } from './feed.ts'
import type { LayoutRecord, ReceiverRecord } from './registry.ts'
import type { Link, Listener, Session } from './session.ts'
import type { CursorRecord } from './slot-cursor.ts'
import type { TailMessage } from './tail.ts'

interface Tick {
  readonly seq: number
  /** When it was read here, in ms of the monotonic clock. */
  readonly readAt: number
}

const looksPaused = 5

/** Who reads the stream. */
export interface StreamReader {
  readonly prepareToLook: () => void
  readonly look: (facts: StreamFacts) => Promise<void>
}

export class StreamKeeper implements Listener {
  readonly #session: Session
  readonly #link: Link
  readonly #workflowName: string | undefined
  readonly #facts: () => Promise<StreamFacts>
  readonly #logger: Logger
  readonly receivers: Set<StreamReader> = new Set()
  /** From the oldest that still counts. */
  #ticks: Tick[] = []
  #lookedAt: number = performance.now()
  #waitMs: number
  #looking = false
  #pausedLooks = 0

  /** @param workflowName Undefined for a stream of somebody else, which is only looked at. */
  constructor(session: Session, link: Link, workflowName: string | undefined, facts: () => Promise<StreamFacts>) {
    this.#session = session
    this.#link = link
    this.#workflowName = workflowName
    this.#facts = facts
    this.#logger = session.settings.logger
    this.#waitMs = session.settings.checkMs
    session.listen(this)
  }

  close(): void {
    this.#session.unlisten(this)
  }

  /** A receiver has read a mark of the time. */
  readonly onTick = ({ seq }: TailMessage): void => {
    if (seq > (this.#ticks.at(-1)?.seq ?? 0)) this.#ticks.push({ seq, readAt: performance.now() })
  }

  onReconnect(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  onBeat(): void {
    if (this.#looking || performance.now() - this.#lookedAt < this.#waitMs) return
    this.#looking = true
    void this.#look()
      .catch((error: unknown) =>
        this.#logger.warn({ workflow: this.#workflowName, error }, 'the stream could not be looked after; trying again'),
      )
      .finally(() => {
        this.#looking = false
        this.#lookedAt = performance.now()
        // Not all at once.
        this.#waitMs = this.#session.settings.checkMs * (1 + Math.random() / 2)
      })
  }

  async #look(): Promise<void> {
    for (const receiver of this.receivers) receiver.prepareToLook()
    const facts = await this.#facts()
    for (const receiver of this.receivers) await receiver.look(facts)
    if (this.#workflowName === undefined) return
    await this.#tick(this.#workflowName, facts)
    await this.#trim(this.#workflowName, facts)
  }

  /** Unless nothing has come since the last mark, or somebody else has just set one. */
  async #tick(workflowName: string, { lastSeq }: StreamFacts): Promise<void> {
    const last = this.#ticks.at(-1)
    if (lastSeq <= (last?.seq ?? 0)) return
    if (last !== undefined && performance.now() - last.readAt < this.#session.settings.checkMs) return
    await this.#link.client.publish(this.#session.names.tick(workflowName), '')
  }

  /** Deletes what everybody has acknowledged before some mark that is old enough. */
  async #trim(workflowName: string, { firstSeq, created }: StreamFacts): Promise<void> {
    const keptSince = performance.now() - this.#session.settings.keepMs
    const old = this.#ticks.findLastIndex(({ readAt }) => readAt <= keptSince)
    if (old < 0) return
    this.#ticks = this.#ticks.slice(old)
    const mark = this.#ticks[0]?.seq ?? 0
    // Whoever has found nothing to delete leaves the next looks to others.
    if (mark <= firstSeq || this.#pausedLooks-- > 0) return
    const until = Math.min(mark, await this.#oldestNeeded(workflowName, created))
    if (until <= firstSeq) this.#pausedLooks = looksPaused
    else await this.#link.manager.streams.purge(this.#session.names.eventStream(workflowName), { seq: until })
  }

  /** The first message that some receiver has not acknowledged. */
  async #oldestNeeded(workflowName: string, created: string): Promise<number> {
    let oldest = Infinity
    for (const places of await allPlaces(this.#session, this.#link, workflowName))
      for (const { place, stream } of places.lanes) oldest = Math.min(oldest, stream === created ? seqAfter(place) : 0)
    return Number.isFinite(oldest) ? oldest : 0
  }
}

/** A receiver, and where its cursors are. */
export interface ReceiverPlaces {
  readonly name: string
  readonly topics: readonly string[]
  readonly lanes: readonly { readonly topic: string; readonly slot: number; readonly place: number; readonly stream: string }[]
}

/** The durable receivers of a workflow. */
export async function allPlaces({ names }: Session, { state }: Link, workflowName: string): Promise<readonly ReceiverPlaces[]> {
  const slots = (await state.get<LayoutRecord>(names.layout(workflowName)))?.value.slots ?? 0
  const records = (await state.list<ReceiverRecord>(names.receivers)).map(({ value }) => value)
  return Promise.all(
    records
      .filter((record) => record.workflowName === workflowName)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(async ({ name, starts, stream }) => {
        const cursors = new Map(
          (await state.list<CursorRecord>(names.cursor(name, '*'))).map(({ subject, value }) => [Number(subject.split('.').at(-1)), value]),
        )
        const topics = Object.keys(starts)
        const lanes = Array.from({ length: slots }, (_, slot) => {
          const cursor = cursors.get(slot)
          return topics.map((topic) => {
            const place = cursor?.lanes[topic]
            return place === undefined
              ? { topic, slot, place: starts[topic] ?? 0, stream }
              : { topic, slot, place, stream: cursor?.stream ?? stream }
          })
        })
        return { name, topics, lanes: lanes.flat() }
      }),
  )
}
