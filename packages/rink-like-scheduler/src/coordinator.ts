/**
 * Makes the plan for all, where this member is of the lowest rank. Every write of it is on condition that this member is one
 * still: members of a lower rank can only go, so nobody else plans, and what a leader of the past is late with is refused.
 */
import type { Clock } from '@workflow/core/adapter'
import type { EtcdDriver, Operation } from './driver.ts'
import type { Keys } from './keys.ts'
import { batchesOf } from './operation-batches.ts'
import { planOf } from './plan.ts'
import { writeRoles } from './role-text.ts'
import type { Term } from './term.ts'

/** What comes in one moment, like many members that start together, is planned at once. */
const gatherMs = 5
const pauseMs = 50
/** Roles move for the sake of balance when nothing has changed for so long, and after so long in any case. */
const settleMs = 300
const settleMaxMs = 2_000
/** After a plan that could not be written, or only in part. */
const retryMs = 250

export class Coordinator {
  readonly #term: Term
  readonly #driver: EtcdDriver
  readonly #keys: Keys
  readonly #clock: Clock
  #timer: { readonly due: number; readonly handle: Disposable } | undefined
  #planning = false
  #hasFailed = false
  /** `demands` of the view that the last plan was made of. */
  #seen = -1
  /** Of the last plan: the next is made of a view that has it. */
  #written = 0n
  #plannedAt = -Infinity
  /** Since when roles may have to move, and when that was seen last. */
  #unsettled: { readonly since: number; readonly last: number } | undefined

  constructor(term: Term, driver: EtcdDriver, keys: Keys, clock: Clock) {
    this.#term = term
    this.#driver = driver
    this.#keys = keys
    this.#clock = clock
    term.signal.addEventListener('abort', () => this.#timer?.handle[Symbol.dispose](), { once: true })
  }

  /** Looks whether there is something to plan. */
  changed(): void {
    const { view, id, signal } = this.#term
    if (this.#planning || signal.aborted || view.revision < this.#written || view.leader()?.id !== id) return
    const now = this.#clock.monotonic()
    // Or a plan has come that is not our last: late, from a request that was given up, or from a leader before us.
    if (view.demands !== this.#seen || view.planRevision > this.#written) {
      const rested = now - this.#plannedAt >= pauseMs
      this.#arm(rested ? gatherMs : pauseMs)
    } else if (this.#hasFailed) {
      this.#arm(retryMs)
    } else if (this.#unsettled !== undefined) {
      const { since, last } = this.#unsettled
      this.#arm(Math.max(0, Math.min(last + settleMs, since + settleMaxMs) - now))
    }
  }

  /** The earliest of what it was armed for counts: neither settling nor trying again holds back what has changed meanwhile. */
  #arm(afterMs: number): void {
    const due = this.#clock.monotonic() + afterMs
    if (this.#timer !== undefined && this.#timer.due <= due) return
    this.#timer?.handle[Symbol.dispose]()
    const handle = this.#clock.setTimer(afterMs, () => {
      this.#timer = undefined
      void this.#plan()
    })
    this.#timer = { due, handle }
  }

  /** Gives what is with nobody at once; moves the rest when members and wants have come to rest. */
  async #plan(): Promise<void> {
    this.#planning = true
    this.#hasFailed = false
    const { view } = this.#term
    const now = this.#clock.monotonic()
    if (view.demands !== this.#seen) this.#unsettled = { since: this.#unsettled?.since ?? now, last: now }
    const { since = now, last = now } = this.#unsettled ?? {}
    const settled = now >= Math.min(last + settleMs, since + settleMaxMs)
    this.#seen = view.demands
    if (view.planRevision > this.#written) this.#written = view.planRevision
    try {
      for (const operations of batchesOf(this.#operations(settled))) {
        const { revision, succeeded } = await this.#driver.transact({
          conditions: [{ key: this.#keys.member(this.#term.id), target: 'create', equals: this.#term.rank }],
          operations,
        })
        // Not our turn any more: the view will say so.
        if (!succeeded) return
        this.#written = revision
      }
      if (settled) this.#unsettled = undefined
    } catch {
      // A member whose lease has just ended is in the plan: the view will say so. Or etcd is away.
      this.#hasFailed = true
    } finally {
      this.#planning = false
      this.#plannedAt = this.#clock.monotonic()
    }
    this.changed()
  }

  /** What makes of the plans in etcd the one that should be. */
  #operations(mayMove: boolean): readonly Operation[] {
    const { view } = this.#term
    const operations: Operation[] = []
    for (const [id, roles] of planOf(view, mayMove)) {
      const leaseId = view.members.get(id)?.leaseId
      if (leaseId === undefined) continue
      const before = view.plans.textsOf(id)
      const texts = writeRoles(new Map([...roles].map((role) => [role, 0])))
      for (const [part, value] of texts.entries()) {
        if (before.get(part) !== value) operations.push({ type: 'put', key: this.#keys.plan(id, part), value, leaseId })
      }
      for (const part of before.keys()) if (part >= texts.length) operations.push({ type: 'delete', key: this.#keys.plan(id, part) })
    }
    return operations
  }
}
