import type { RunState } from '@workflow/core/adapter'

/** The run states that the engine still has something to do with: the column `open`, which an index finds. */
export const openStates: readonly RunState[] = ['Initiated', 'Running', 'Paused', 'RequestedDataDeleted']
