import { CarrierMessage } from './carrier-message.ts'
import { shipments } from './shipment.contract.ts'

export const shipmentDefinition = shipments
  .addCallback('in-transit', async (run, { signedBy }) => {
    run.object.signedBy = signedBy
    return 'delivered'
  })
  // A message may be delivered twice; what the handler starts or calls through `api` happens once all the same, because
  // its ids follow from the message's id.
  .addConnector(
    'carrier',
    CarrierMessage,
    async ({ data }, api) => {
      if (data.kind === 'picked-up') await api.trigger(data.parcel, { initialValue: { address: data.address } })
      else await api.callback({ foreignId: data.parcel }, 'in-transit', { signedBy: data.signedBy }, { queue: true })
    },
    // A parcel that is on its way already is not to be lost: from the first message that the stream still has.
    { parallelCount: 8, from: 'earliest' },
  )
