/** A second workflow on the carrier's stream. It has a place of its own there, and is not held up by the first. */
import { workflow } from '@workflow/core'
import { z } from 'zod'
import { CarrierMessage } from './carrier-message.ts'

export const invoices = workflow('invoice', {
  object: z.object({ parcel: z.string(), sentTo: z.string().optional() }),
  graph: {
    due: { step: ['sent'] },
    sent: {},
  },
})

export const invoiceDefinition = invoices
  .addStep(
    'due',
    async (run) => {
      run.object.sentTo = `whoever sent ${run.object.parcel}`
      return 'sent'
    },
    { parallelCount: 8 },
  )
  .addConnector(
    'carrier',
    CarrierMessage,
    async ({ data }, api) => {
      if (data.kind === 'handed-over') await api.trigger(data.parcel, { initialValue: { parcel: data.parcel } })
    },
    // What was handed over before is somebody else's invoice: from what is published once it listens.
    { parallelCount: 8, from: 'latest' },
  )
