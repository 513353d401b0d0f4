/** A claim of one slot of one receiver, and the writing of its cursors. */
import type { SlotClaim } from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import type { ControlLog } from './control-log.ts'
import type { ControlRecord } from './control-record.ts'
import { fencedSlots } from './kafka-errors.ts'
import type { Source } from './source.ts'

export class Holding {
  readonly claim: SlotClaim
  /** Names this claim in the log. */
  readonly epoch: string = randomUUID()
  readonly #name: string
  readonly #receiver: string
  readonly #log: ControlLog
  /** Names of the sources whose positions a cursor record lists. */
  readonly #names: readonly string[]
  readonly #unwatch: () => void
  #sources: readonly Source[] = []
  #state: 'claimed' | 'held' | 'gone' = 'claimed'
  #commit: Promise<void> | undefined

  constructor(
    receiver: { readonly name: string; readonly key: string },
    claim: SlotClaim,
    names: readonly string[],
    log: ControlLog,
    onFenced: (holding: Holding) => void,
  ) {
    this.#name = receiver.name
    this.#receiver = receiver.key
    this.claim = claim
    this.#names = names
    this.#log = log
    this.#unwatch = log.watch(this.epoch, claim.slot, () => {
      if (this.#state === 'gone') return
      const held = this.#state === 'held'
      this.release()
      if (held) onFenced(this)
    })
  }

  get slot(): number {
    return this.claim.slot
  }

  get isHeld(): boolean {
    return this.#state === 'held'
  }

  get sources(): readonly Source[] {
    return this.#sources
  }

  /** The record that claims the slot. */
  claimRecord(): ControlRecord {
    const { role, domain, token } = this.claim.fence
    return { kind: 'claim', ...this.#place(), domain: `${role}\n${domain}`, token, sources: this.#names }
  }

  /** Whether the claim, once written, is the one that counts. If so it is held, from `cursorOf` each source on; else it is given up. */
  settle(sourcesOf: () => readonly Source[]): boolean {
    const counts = this.#state === 'claimed' && this.#isLast
    if (counts) {
      this.#sources = sourcesOf()
      this.#state = 'held'
    } else {
      this.release()
    }
    // What is left in the log only takes room: it is tidied up behind the caller's back, and by the next holder if that fails.
    const tidy = counts
      ? // Who was replaced by now would take the claim of a newer holder away.
        () => (this.#isLast ? [this.#cursorRecord(), ...this.#log.state.older(this.#receiver, this.slot, this.epoch)] : [])
      : (): readonly ControlRecord[] => [{ kind: 'claim', ...this.#place(), gone: true }]
    this.#log.append(tidy).catch(() => undefined)
    return counts
  }

  /** Resolves when the positions of all sources are durable, as they are when this is called or later. Rejects with `Fenced`. */
  commit(): Promise<void> {
    if (this.#state !== 'held') return Promise.reject(fencedSlots(this.#name, [this.slot]))
    this.#commit ??= this.#write()
    return this.#commit
  }

  /** Stops being the holder. Its deliveries can no longer be acknowledged. */
  release(): void {
    this.#state = 'gone'
    this.#unwatch()
  }

  async #write(): Promise<void> {
    try {
      await this.#log.append(() => {
        // What is acknowledged from now on needs a record of its own.
        this.#commit = undefined
        // Also where the slot was given up meanwhile: who acknowledged before that is to be told the truth.
        return this.#isLast ? [this.#cursorRecord()] : []
      })
    } finally {
      this.#commit = undefined
    }
    if (!this.#isLast) throw fencedSlots(this.#name, [this.slot])
  }

  /** Whether no other claim has come after this one, as far as the log has been read. */
  get #isLast(): boolean {
    return this.#log.state.holderOf(this.#receiver, this.slot) === this.epoch
  }

  #cursorRecord(): ControlRecord {
    return { kind: 'cursor', ...this.#place(), positions: this.#sources.map(({ position }) => position) }
  }

  #place(): { readonly receiver: string; readonly slot: number; readonly epoch: string } {
    return { receiver: this.#receiver, slot: this.slot, epoch: this.epoch }
  }
}
