/** What is done at each status. */
import { after } from '@workflow/core'
import { orders, parcels } from './shop.contract.ts'

export const orderDefinition = orders
  .addStep('received', async (run) => (run.object.cents === 0 ? 'rejected' : 'checked'))
  .addCallback('checked', async (run) => {
    run.object = { ...run.object, paymentId: `payment of ${run.foreignId}` }
    return 'paid'
  })
  .addTimeout(
    'checked',
    async () => after('2d'),
    async () => 'expired',
  )
  .addStep(
    'paid',
    async (run) => {
      if (run.object.trouble === 'card') throw new Error(`the bank refuses to settle ${run.object.paymentId}: card expired`)
      for (let i = 1; i <= run.object.parcels; i++)
        run.startChild(parcels, `${run.foreignId}/${i}`, { initialValue: { order: run.foreignId, weightGrams: 400 * i } })
      return 'packing'
    },
    { pauseAfterErrCount: 2, errBackOff: '20ms' },
  )
  .addJoin('packing', async () => 'delivered')

export const parcelDefinition = parcels.addCallback('packed', async () => 'sent')
