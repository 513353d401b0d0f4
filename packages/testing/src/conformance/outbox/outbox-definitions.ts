import type { RecordStoreCase } from '../record-store/record-store-scope.ts'

/** Every case about an Outbox. */
export const outboxDefinitions: readonly RecordStoreCase[] = []
