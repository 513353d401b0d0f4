/** Proofs of roles, as a scheduler would give them. */
import type { Fence, SlotClaim } from '@workflow/core/adapter'

/** The proof of the `token`-th holder of a slot. */
export function fenceOf(slot: number, token: number, domain = 'leases-1'): Fence {
  return { role: `orders/${slot}`, domain, token: BigInt(token) }
}

/** Claims of slots by one holder. */
export function claimsOf(slots: readonly number[], token = 1, domain = 'leases-1'): readonly SlotClaim[] {
  return slots.map((slot) => ({ slot, fence: fenceOf(slot, token, domain) }))
}
