export type { NatsConnectorOptions, NatsMessage } from './connector.ts'
export { nats, type Nats } from './nats.ts'
export type { NatsOptions } from './settings.ts'
