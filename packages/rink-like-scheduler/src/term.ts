/**
 * One term of membership: one lease, and one member key on it. A term ends once, when its lease is gone or may be, and never
 * comes back: whoever goes on joins anew, with another id. So no error, however often it comes, makes two of one.
 *
 * A crash inside of a term leaves its keys until etcd ends the lease; then the roles that it held are free, and known as unclean.
 */
import { backOffMs, LeaseLost, StoreUnavailable, Wakeup } from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import type { EtcdDriver } from './driver.ts'
import { readDomain, writeDomain } from './domain.ts'
import { writeMember } from './entries.ts'
import { isLeaseGone } from './etcd-error.ts'
import type { FormerTerms } from './former-terms.ts'
import type { Keys } from './keys.ts'
import type { Settings } from './settings.ts'
import type { View } from './view.ts'
import type { Watcher } from './watcher.ts'

/** One moment by both clocks. */
interface Moment {
  readonly wall: number
  readonly monotonic: number
}

/** What a term is told by. */
export interface TermEvents {
  /** A renewal came through: the time to try again what has failed. */
  readonly renewed: () => void
  /** The term is over: everything that was held in it is lost. */
  readonly ended: (reason: Error) => void
}

/** Of a lease, what is trusted: we stop before others may begin, and clocks may run a little apart. */
const trusted = 0.9

export class Term {
  readonly id: string = randomUUID()
  readonly #driver: EtcdDriver
  readonly #watcher: Watcher
  readonly #keys: Keys
  readonly #settings: Settings
  readonly #events: TermEvents
  readonly #former: FormerTerms
  readonly #stop = new AbortController()
  readonly #leaseId: string
  #leaseMs: number
  #rank = 0n
  #domain = ''
  #domainName: string | undefined
  #validUntil: Moment = { wall: 0, monotonic: 0 }
  #expiry: Disposable | undefined

  private constructor(parts: TermParts, leaseId: string, leaseMs: number) {
    this.#driver = parts.driver
    this.#watcher = parts.watcher
    this.#keys = parts.keys
    this.#settings = parts.settings
    this.#events = parts.events
    this.#former = parts.former
    this.#leaseId = leaseId
    this.#leaseMs = leaseMs
  }

  /** Joins: throws what etcd says when that does not work, and leaves at most a lease behind that ends by itself. */
  static async join(parts: TermParts): Promise<Term> {
    const { driver, settings } = parts
    const sent = momentOf(settings)
    const { leaseId, ttlSeconds } = await driver.grantLease(settings.leaseSeconds)
    const term = new Term(parts, leaseId, ttlSeconds * 1_000)
    term.#renewed(sent)
    const onStop = (): void => void term.#end(parts.stop.reason, false)
    parts.stop.addEventListener('abort', onStop, { once: true })
    // From now on: what comes next may take long, under load.
    void term.#renewing()
    try {
      parts.stop.throwIfAborted()
      await term.#join()
      return term
    } catch (error) {
      term.#end(error instanceof Error ? error : new Error(String(error)), false)
      await driver.revokeLease(leaseId).catch(() => undefined)
      throw error
    } finally {
      parts.stop.removeEventListener('abort', onStop)
    }
  }

  get view(): View {
    return this.#watcher.view
  }

  /** Fencing tokens of one domain are comparable. */
  get domain(): string {
    return this.#domain
  }

  /** What the store says of its domain, without the cluster. */
  get domainName(): string | undefined {
    return this.#domainName
  }

  /** The revision at which this member was made: it names the term in conditions. */
  get rank(): bigint {
    return this.#rank
  }

  get leaseId(): string {
    return this.#leaseId
  }

  /** Aborts when the term is over. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Whether the lease holds, by both of our clocks. Synchronous: true only if nobody else can have our roles. */
  isAlive(): boolean {
    if (this.#stop.signal.aborted) return false
    const { wall, monotonic } = momentOf(this.#settings)
    return wall < this.#validUntil.wall && monotonic < this.#validUntil.monotonic
  }

  /** Ends the term if the view says that it is over. */
  check(): void {
    if (this.#rank === 0n || this.view.revision < this.#rank) return
    if (this.#watcher.domain() !== this.#domain) this.endReplaced()
    else if (this.view.members.get(this.id)?.rank !== this.#rank) this.#endAndRevoke(this.#forgotten())
  }

  /** The store is not what it was: nothing that was given out before is worth anything. */
  endReplaced(): void {
    this.#endAndRevoke(
      new LeaseLost('etcd is not the store that it was: it was restored, emptied or replaced, and all roles are given anew'),
    )
  }

  /** Ends the term in good order: nothing is left of it in etcd. Throws where that could not be said. */
  async leave(reason: Error): Promise<void> {
    this.#end(reason, false)
    await this.#driver.revokeLease(this.#leaseId)
  }

  /** What the lease may still keep is given up, so that others need not wait. */
  #endAndRevoke(reason: Error): void {
    if (this.#end(reason, true)) void this.#driver.revokeLease(this.#leaseId).catch(() => undefined)
  }

  #end(reason: Error, tell: boolean): boolean {
    if (this.#stop.signal.aborted) return false
    this.#stop.abort(reason)
    this.#expiry?.[Symbol.dispose]()
    if (tell) this.#events.ended(reason)
    return true
  }

  async #join(): Promise<void> {
    const domain = await this.#openDomain()
    this.#domainName = domain.name
    const { succeeded, revision } = await this.#driver.transact({
      // Of one domain from the beginning, whoever else opens another just now.
      conditions: [{ key: this.#keys.domain, target: 'mod', equals: domain.revision }],
      operations: [{ type: 'put', key: this.#keys.member(this.id), value: writeMember(this.#settings.instance), leaseId: this.#leaseId }],
    })
    if (!succeeded) throw new StoreUnavailable('another instance opens a new domain in etcd just now')
    const late = this.#settings.clock.setTimer(this.#settings.connectTimeoutMs, () =>
      this.#end(new StoreUnavailable('etcd has taken this member, but shows nothing of it: no watch comes through'), false),
    )
    try {
      await this.#watcher.reached(revision, this.signal)
    } finally {
      late[Symbol.dispose]()
    }
    this.signal.throwIfAborted()
    this.#domain = this.#watcher.domain()
    this.#rank = revision
    this.check()
    this.signal.throwIfAborted()
  }

  /**
   * Makes sure that there is a domain, and a new one where the store has gone back: its revisions were given out before. Answers what
   * it is called, and at which revision it was opened.
   */
  async #openDomain(): Promise<{ readonly name: string; readonly revision: bigint }> {
    const key = this.#keys.domain
    for (;;) {
      this.signal.throwIfAborted()
      const { results } = await this.#driver.transact({ conditions: [], operations: [{ type: 'get', key }] })
      const [entry] = results[0]?.entries ?? []
      const domain = readDomain(entry?.value)
      const before = this.#former.domain ?? domain?.name
      // Somebody who knew the same domain as we did has found it out, too.
      const isReplaced = domain !== undefined && domain.name !== before && domain.replaces === before
      if (entry !== undefined && domain !== undefined && (isReplaced || !this.#driver.hasGoneBack())) {
        this.#driver.acceptGoneBack()
        return { name: domain.name, revision: entry.modRevision }
      }
      const name = randomUUID()
      // Of several who find it out at once, one makes the domain, and the others look again.
      const { succeeded, revision } = await this.#driver.transact({
        conditions: [{ key, target: 'mod', equals: entry?.modRevision ?? 0n }],
        operations: [{ type: 'put', key, value: writeDomain({ name, replaces: this.#driver.hasGoneBack() ? before : undefined }) }],
      })
      if (!succeeded) continue
      this.#driver.acceptGoneBack()
      return { name, revision }
    }
  }

  async #renewing(): Promise<void> {
    const { clock, random, requestTimeoutMs } = this.#settings
    let asked = clock.monotonic()
    for (let failures = 0; ; ) {
      // From when it was asked for: where answers take long, waiting from those on would make it longer still.
      const restMs = Math.max(0, asked + this.#leaseMs / 3 - clock.monotonic())
      const waitMs = failures === 0 ? restMs : backOffMs(failures, random, { firstMs: 50, maxMs: 500 })
      await new Wakeup().waitAtMost(this.signal, clock, waitMs).catch(() => undefined)
      if (this.signal.aborted) return
      if (!this.isAlive()) return this.#endAndRevoke(this.#expired())
      try {
        const sent = momentOf(this.#settings)
        asked = sent.monotonic
        const { ttlSeconds, revision } = await this.#driver.renewLease(this.#leaseId, Math.min(requestTimeoutMs, this.#leaseMs / 4))
        if (ttlSeconds <= 0) return this.#endAndRevoke(this.#forgotten())
        failures = 0
        this.#leaseMs = ttlSeconds * 1_000
        this.#renewed(sent)
        this.#watcher.suspectSilence(revision)
        this.#events.renewed()
      } catch (error) {
        // Our own clocks end the lease in time.
        failures++
        if (isLeaseGone(error)) return this.#endAndRevoke(this.#forgotten())
      }
    }
  }

  /** etcd counts a lease from when it renewed it, which was later than when we asked. */
  #renewed(sent: Moment): void {
    if (this.signal.aborted) return
    const ownMs = this.#leaseMs * trusted
    this.#validUntil = { wall: sent.wall + ownMs, monotonic: sent.monotonic + ownMs }
    this.#expiry?.[Symbol.dispose]()
    const { clock } = this.#settings
    this.#expiry = clock.setTimer(Math.max(0, this.#validUntil.monotonic - clock.monotonic()), () => {
      // After a turn that took long the answer to a renewal may be here, and not read yet.
      this.#expiry = clock.setImmediate(() => {
        if (!this.isAlive()) this.#endAndRevoke(this.#expired())
      })
    })
  }

  #expired(): LeaseLost {
    return new LeaseLost(`instance ${JSON.stringify(this.#settings.instance)} could not renew its lease in time`)
  }

  #forgotten(): LeaseLost {
    return new LeaseLost(`etcd has ended the lease of instance ${JSON.stringify(this.#settings.instance)}`)
  }
}

/** What a term is made of. */
export interface TermParts {
  readonly driver: EtcdDriver
  readonly watcher: Watcher
  readonly keys: Keys
  readonly settings: Settings
  readonly events: TermEvents
  readonly former: FormerTerms
  /** Ends the attempt to join. */
  readonly stop: AbortSignal
}

function momentOf({ clock }: Settings): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() }
}
