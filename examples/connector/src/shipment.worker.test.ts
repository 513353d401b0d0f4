import { testKit } from '@workflow/testing'
import { expect, test } from 'vitest'
import { shipmentDefinition } from './shipment.worker.ts'

const pickedUp = { id: 'm-1', key: 'parcel-1', value: { kind: 'picked-up', parcel: 'parcel-1', address: 'Rua Augusta 1, Lisbon' } }
const handedOver = { id: 'm-2', key: 'parcel-1', value: { kind: 'handed-over', parcel: 'parcel-1', signedBy: 'M. Silva' } }

test('a parcel is delivered by two messages of the carrier, each of which may come twice', async () => {
  await using kit = testKit(shipmentDefinition)
  await kit.publish('carrier', pickedUp, pickedUp, handedOver, handedOver)
  await kit.require('parcel-1', 'delivered', { address: 'Rua Augusta 1, Lisbon', signedBy: 'M. Silva' })
  await kit.settle()
  expect((await kit.workflow.list()).items).toHaveLength(1)
})

test('a message that makes no sense is skipped, and holds back no other of its parcel', async () => {
  await using kit = testKit(shipmentDefinition)
  await kit.publish('carrier', { key: 'parcel-1', value: { kind: 'eaten' } }, pickedUp)
  await kit.waitFor('parcel-1', 'in-transit')
})
