export { memoryConnector, type MemoryConnector, type MemoryConnectorOptions } from './memory-connector.ts'
export { VirtualClock } from './virtual-clock.ts'
