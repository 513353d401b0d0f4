import { dueDefinitions } from './due-definitions.ts'
import { settlingDefinitions } from './settling-definitions.ts'
import type { TimeoutStoreCase } from './timeout-store-scope.ts'

/** Every case about a TimeoutStore. */
export const timeoutStoreDefinitions: readonly TimeoutStoreCase[] = [...settlingDefinitions, ...dueDefinitions]
