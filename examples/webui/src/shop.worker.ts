/** What is done at each status. */
import { after, NonRetryable } from '@workflow/core'
import { orders, parcels } from './shop.contract.ts'

export const orderDefinition = orders
  .addStep('received', async (run) => (run.object.cents === 0 ? 'rejected' : 'checked'), { parallelCount: 16 })
  .addCallback(
    'checked',
    async (run) => {
      run.object = { ...run.object, paymentId: run.foreignId.replace('order', 'payment') }
      return 'paid'
    },
    { parallelCount: 16 },
  )
  .addTimeout(
    'checked',
    async () => after('2d'),
    async () => 'expired',
  )
  .addStep(
    'paid',
    async (run) => {
      if (run.object.trouble === 'bank') throw new Error(`the bank gives no answer about ${run.object.paymentId}`)
      if (run.object.trouble === 'line' && run.attempt === 1) throw new Error('the line to the bank was cut')
      if (run.object.trouble === 'card') throw new NonRetryable(`the bank refuses to settle ${run.object.paymentId}: the card has expired`)
      for (let i = 1; i <= run.object.parcels; i++)
        run.startChild(parcels, `${run.foreignId}/${i}`, { initialValue: { order: run.foreignId, weightGrams: 400 * i } })
      return 'packing'
    },
    { parallelCount: 16, errBackOff: (attempt) => after(attempt === 1 ? '50ms' : '15m') },
  )
  .addJoin('packing', async () => 'delivered', { parallelCount: 16 })

export const parcelDefinition = parcels.addCallback('packed', async () => 'sent', { parallelCount: 16 })
