/** How fast the simulated world turns. */
import type { Duration } from '@workflow/core'
import type { CliOptions } from './cli-options.ts'

export interface Pace {
  /** Of the payment service. */
  readonly speed: number
  readonly thinkingMs: number
  readonly approvalTimeout: Duration
  readonly paymentTimeout: Duration
  readonly chargeDeadline: Duration
}

export function paceOf({ fast, interactive }: Pick<CliOptions, 'fast' | 'interactive'>): Pace {
  const pace: Pace = fast
    ? { speed: 20, thinkingMs: 150, approvalTimeout: '800ms', paymentTimeout: '600ms', chargeDeadline: '500ms' }
    : { speed: 1, thinkingMs: 3_000, approvalTimeout: '12s', paymentTimeout: '8s', chargeDeadline: '2s' }
  // A person needs longer than a policy.
  return interactive ? { ...pace, approvalTimeout: '10m' } : pace
}
