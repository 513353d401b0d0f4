/** Every port in this process's memory: the reference that other adapters are compared to, and the fast path of tests. */
export { memory, type MemoryInfrastructure, type MemoryOptions } from './memory.ts'
export { memoryDatabase, type MemoryDatabase, type MemoryDatabaseOptions } from './memory-database.ts'
export { memoryEventStreamer, type MemoryEventStreamerOptions } from './memory-event-streamer.ts'
export { memoryRecordStore, type MemoryRecordStoreOptions } from './memory-record-store.ts'
export { memoryRoleScheduler, type MemoryRoleSchedulerOptions } from './memory-role-scheduler.ts'
export { memoryTimeoutStore, type MemoryTimeoutStoreOptions } from './memory-timeout-store.ts'
