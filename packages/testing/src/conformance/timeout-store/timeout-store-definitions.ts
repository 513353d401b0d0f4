import type { TimeoutStoreCase } from './timeout-store-scope.ts'

/** Every case about a TimeoutStore. */
export const timeoutStoreDefinitions: readonly TimeoutStoreCase[] = []
