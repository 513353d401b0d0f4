import { atomicityDefinitions } from './atomicity-definitions.ts'
import { attemptsDefinitions } from './attempts-definitions.ts'
import { commitDefinitions } from './commit-definitions.ts'
import { historyDefinitions } from './history-definitions.ts'
import { inboxDefinitions } from './inbox-definitions.ts'
import { lifecycleDefinitions } from './lifecycle-definitions.ts'
import { listingDefinitions } from './listing-definitions.ts'
import { locksDefinitions } from './locks-definitions.ts'
import { purgeDefinitions } from './purge-definitions.ts'
import type { RecordStoreCase } from './record-store-scope.ts'
import { replayDefinitions } from './replay-definitions.ts'
import { rewriteDefinitions } from './rewrite-definitions.ts'
import { transactionsDefinitions } from './transactions-definitions.ts'
import { uniquenessDefinitions } from './uniqueness-definitions.ts'
import { valuesDefinitions } from './values-definitions.ts'

/** Every case about a RecordStore. */
export const recordStoreDefinitions: readonly RecordStoreCase[] = [
  ...commitDefinitions,
  ...uniquenessDefinitions,
  ...replayDefinitions,
  ...atomicityDefinitions,
  ...inboxDefinitions,
  ...attemptsDefinitions,
  ...listingDefinitions,
  ...historyDefinitions,
  ...valuesDefinitions,
  ...rewriteDefinitions,
  ...purgeDefinitions,
  ...transactionsDefinitions,
  ...locksDefinitions,
  ...lifecycleDefinitions,
]
