/** Ways to break leases that many mutants share. */
import type { RoleLease, RoleScheduler } from '@workflow/core/adapter'
import type { SchedulerChanger } from '../memory-harness.ts'

/** Another lease over a lease. */
export function leaseOver(lease: RoleLease, change: Partial<Omit<RoleLease, typeof Symbol.asyncDispose>>): RoleLease {
  const release = change.release ?? lease.release
  return {
    fence: change.fence ?? lease.fence,
    unclean: change.unclean ?? lease.unclean,
    yield: change.yield ?? lease.yield,
    signal: change.signal ?? lease.signal,
    isValid: change.isValid ?? lease.isValid,
    release,
    [Symbol.asyncDispose]: release,
  }
}

/** Changes leases on their way out. */
export function leases(
  change: (lease: RoleLease, role: string, scheduler: RoleScheduler) => Partial<Omit<RoleLease, typeof Symbol.asyncDispose>>,
): SchedulerChanger {
  return (scheduler) => ({
    ...scheduler,
    awaitRole: async (role, options) => {
      const lease = await scheduler.awaitRole(role, options)
      return leaseOver(lease, change(lease, role, scheduler))
    },
  })
}
