import type { RecordStoreCase } from './record-store-scope.ts'

/** Every case about a RecordStore. */
export const recordStoreDefinitions: readonly RecordStoreCase[] = []
