/** What is done at each status. */
import { after, type Duration } from '@workflow/core'
import { totalCentsOf } from './order.ts'
import { orders } from './orders.contract.ts'
import type { Payments } from './payments.ts'

/** Orders from here on are shown to somebody before they are charged. */
export const approvalFromCents = 80_000

export interface OrderServices {
  readonly payments: Payments
  /** How long an order waits for a decision before it is rejected. */
  readonly approvalTimeout: Duration
  /** How long a customer whose card was declined has for naming another one. */
  readonly paymentTimeout: Duration
  /** How long one attempt to charge may take. */
  readonly chargeDeadline: Duration
}

export const orderDefinition = ({ payments, approvalTimeout, paymentTimeout, chargeDeadline }: OrderServices) =>
  orders
    .addStep('received', async (run) => (totalCentsOf(run.object) >= approvalFromCents ? 'awaiting-approval' : 'charging'))
    .addCallback('awaiting-approval', async (run, { approved, by }) => {
      run.object.decidedBy = by
      return approved ? 'charging' : 'rejected'
    })
    .addTimeout('awaiting-approval', after(approvalTimeout), async () => 'rejected')
    .addStep(
      'charging',
      async (run) => {
        const { id, card } = run.object
        // The key is the same on every attempt of this stay, after a crash as well: however often we ask, it is one charge.
        const payment = await payments.charge({ key: run.idempotencyKey, orderId: id, card, cents: totalCentsOf(run.object) }, run.signal)
        if (payment.outcome === 'declined') return 'awaiting-payment'
        run.object.paymentId = payment.paymentId
        return 'paid'
      },
      { parallelCount: 8, deadline: chargeDeadline, errBackOff: { initial: '200ms', max: '5s' } },
    )
    // A new card is a new stay at 'charging', with a new key.
    .addCallback('awaiting-payment', async (run, { card }) => {
      run.object.card = card
      return 'charging'
    })
    .addTimeout('awaiting-payment', after(paymentTimeout), async () => 'unpaid')
    .addStep('paid', async (run) => {
      run.object.trackingId = `parcel-${run.object.id}`
      return 'shipped'
    })
