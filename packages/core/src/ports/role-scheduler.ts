import type { Fence } from '../model/role.ts'

/**
 * Gives each role to one instance at a time. Two may believe to hold one for a moment (a paused process does not know
 * that it lost); the fence decides then: of all tokens given out for a role in a domain, the newest is the greatest.
 */
export interface RoleScheduler {
  /** How this process is called in leases, histories and `explain`. */
  readonly instance: string
  /**
   * Waits until the role is ours. Roles spread evenly over the instances that wait for them, within one; each instance
   * keeps what it has where it can. A higher `generation` (newer code) takes over from a lower one. Throws
   * `signal.reason` when aborted, then leaves nothing behind. Asking again for a role that this instance holds waits.
   */
  readonly awaitRole: (role: string, options: AwaitRoleOptions) => Promise<RoleLease>
  /**
   * Who holds which of these roles now; those that nobody holds are left out. A worker that starts asks once, and is not ready before it
   * has an answer: reject with `StoreUnavailable` where trying again can help, with `Configuration` where it cannot.
   */
  readonly holders: (roles: readonly string[]) => Promise<ReadonlyMap<string, RoleHolder>>
  /** Releases everything and ends what this scheduler started. Waiting calls reject with `Stopped`. Idempotent. */
  readonly close: () => Promise<void>
}

/** How to wait for a role. */
export interface AwaitRoleOptions {
  readonly signal: AbortSignal
  /** Integer, 0 or more. */
  readonly generation: number
}

/** Who holds a role, and since when. */
export interface RoleHolder {
  readonly instance: string
  readonly since: Date
}

/** A role in hand. Disposing it releases it. */
export interface RoleLease extends AsyncDisposable {
  readonly fence: Fence
  /** The last holder was another process, and its lease expired instead of being released: something may have killed it. */
  readonly unclean: boolean
  /** Soft: another instance should have this role. Stop taking work, finish what is in hand, release. */
  readonly yield: AbortSignal
  /** Hard: the lease is lost, or may be. Stop at once. Fires before the role can be given to another instance, as long as this process runs. */
  readonly signal: AbortSignal
  /** Whether the lease holds now, by wall clock and by monotonic clock: true only if neither says that it may have expired. Synchronous and cheap; asked before each effect. */
  readonly isValid: () => boolean
  /** Gives the role back, so that another instance has it at once. Idempotent; never rejects. */
  readonly release: () => Promise<void>
}
