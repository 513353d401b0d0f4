import { acksDefinitions } from './acks-definitions.ts'
import { deliveryDefinitions } from './delivery-definitions.ts'
import type { EventStreamerCase } from './event-streamer-scope.ts'
import { positionsDefinitions } from './positions-definitions.ts'
import { receiversDefinitions } from './receivers-definitions.ts'
import { slotsDefinitions } from './slots-definitions.ts'

/** Every case about an EventStreamer. */
export const eventStreamerDefinitions: readonly EventStreamerCase[] = [
  ...positionsDefinitions,
  ...deliveryDefinitions,
  ...acksDefinitions,
  ...slotsDefinitions,
  ...receiversDefinitions,
]
