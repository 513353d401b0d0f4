/**
 * How far one receiver has come in one slot: a place per topic, in one record on the server with the fence of whoever holds
 * it. Every write goes over exactly the revision that this holder wrote before, so that nobody writes who has been
 * replaced: the one check that everything else about fences rests on.
 */
import { ContiguousAcks, Fenced, type Fence, type SlotClaim } from '@workflow/core/adapter'
import { isSilence } from './nats-error.ts'
import type { StateStore } from './state-store.ts'

/** A cursor as it is stored. */
export interface CursorRecord {
  readonly v: 1
  readonly role: string
  readonly domain: string
  readonly token: string
  /** Which receiver has it: a random name. */
  readonly holder: string
  /** How often that receiver has written it. */
  readonly writes: number
  /** When the stream of events was created, which tells one from another of the same name. */
  readonly stream: string
  /** Per topic: it and all before it is acknowledged. */
  readonly lanes: Readonly<Record<string, number>>
}

/** One topic of a slot. */
export class Lane {
  readonly topic: string
  readonly cursor: SlotCursor
  readonly acks: ContiguousAcks<number> = new ContiguousAcks()
  /** Everything up to here has been read, or is of no concern. */
  read: number
  /** Up to here a holder before us may have seen it. */
  readonly seenBefore: number

  constructor(cursor: SlotCursor, topic: string, read: number, seenBefore: number) {
    this.cursor = cursor
    this.topic = topic
    this.read = read
    this.seenBefore = seenBefore
  }

  /** Where the cursor may stand. */
  get place(): number {
    const open = this.acks.oldestOpen
    return open === undefined ? this.read : open - 1
  }
}

/** The answer to a claim: the record with our fence in it. */
export interface Claimed {
  readonly record: CursorRecord
  readonly revision: number
  /** Whether there was a cursor before. */
  readonly known: boolean
  /** Whether its places are of a stream that is no more. */
  readonly replaced: boolean
}

export interface SlotCursorOptions {
  readonly subject: string
  readonly slot: number
  readonly claimed: Claimed
  /** Called once, when somebody else has it. */
  readonly onLost: (cursor: SlotCursor) => void
}

export class SlotCursor {
  readonly subject: string
  readonly slot: number
  readonly lanes: Map<string, Lane> = new Map()
  readonly #onLost: (cursor: SlotCursor) => void
  #record: CursorRecord
  revision: number
  #state: 'held' | 'lost' | 'released' = 'held'
  #flushed: PromiseWithResolvers<void> | undefined

  constructor({ subject, slot, claimed, onLost }: SlotCursorOptions) {
    this.subject = subject
    this.slot = slot
    this.#onLost = onLost
    this.#record = claimed.record
    this.revision = claimed.revision
  }

  get isHeld(): boolean {
    return this.#state === 'held'
  }

  /** Whether it is held under this very fence. */
  isUnder(fence: Fence | undefined): boolean {
    return fence !== undefined && isSame(this.#record, fence)
  }

  get holder(): string {
    return this.#record.holder
  }

  /** Resolves once everything acknowledged until now is durable. Rejects with `Fenced` if the slot is somebody else's by then. */
  durable(): Promise<void> {
    if (!this.isHeld) return Promise.reject(this.fenced())
    if (this.#flushed === undefined) {
      this.#flushed = Promise.withResolvers()
      // Who acknowledges need not wait for it.
      this.#flushed.promise.catch(() => undefined)
    }
    return this.#flushed.promise
  }

  /** Who waits for the next write; from now on others wait for the one after it. */
  takeWaiting(): PromiseWithResolvers<void> | undefined {
    const waiting = this.#flushed
    this.#flushed = undefined
    return waiting
  }

  /** What to write now. */
  next(stream: string): CursorRecord {
    const lanes = { ...this.#record.lanes }
    for (const lane of this.lanes.values()) lanes[lane.topic] = lane.place
    this.#record = { ...this.#record, stream, lanes, writes: this.#record.writes + 1 }
    return this.#record
  }

  /** Somebody else has it. */
  lose(): void {
    if (!this.isHeld) return
    this.#state = 'lost'
    this.takeWaiting()?.reject(this.fenced())
    this.#onLost(this)
  }

  /** We have given it back. */
  release(error: Error): void {
    if (this.isHeld) this.#state = 'released'
    this.takeWaiting()?.reject(error)
  }

  fenced(): Fenced {
    return new Fenced(`slot ${this.slot} was given to another receiver; drop the work on its events`, {
      details: { slot: this.slot, slots: [this.slot] },
    })
  }
}

export interface ClaimOptions {
  readonly subject: string
  readonly claim: SlotClaim
  readonly holder: string
  /** When the stream of events was created. */
  readonly stream: string
  /** Where topics begin that the cursor does not know, and in which stream that is. */
  readonly starts: { readonly stream: string; readonly lanes: Readonly<Record<string, number>> }
}

/** Takes a cursor, unless a newer holder has it: then undefined. Whoever had it before is refused from then on. */
export async function claimCursor(state: StateStore, options: ClaimOptions): Promise<Claimed | undefined> {
  const { subject, claim, holder, stream, starts } = options
  for (;;) {
    const present = await state.get<CursorRecord>(subject)
    const known = present !== undefined
    const of = known ? present.value.stream : starts.stream
    const replaced = of !== stream
    // Our own claim went through, and its answer did not.
    if (known && present.value.holder === holder && isSame(present.value, claim.fence))
      return { record: present.value, revision: present.revision, known, replaced }
    if (known && isNewer(present.value, claim.fence)) return undefined
    const { role, domain, token } = claim.fence
    const lanes = { ...starts.lanes, ...present?.value.lanes }
    const record: CursorRecord = { v: 1, role, domain, token: String(token), holder, writes: 0, stream: of, lanes }
    try {
      const revision = await state.put(subject, record, present?.revision ?? 0)
      if (revision !== undefined) return { record, revision, known, replaced }
    } catch (error) {
      if (!isSilence(error)) throw error
    }
  }
}

function isSame({ role, domain, token }: CursorRecord, fence: Fence): boolean {
  return role === fence.role && domain === fence.domain && token === String(fence.token)
}

/** Tokens of different domains cannot be compared: then whoever comes last has it. */
function isNewer(record: CursorRecord, fence: Fence): boolean {
  return record.role === fence.role && record.domain === fence.domain && BigInt(record.token) > fence.token
}
