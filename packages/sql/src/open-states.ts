import type { RunQuery, RunState } from '@workflow/core/adapter'

/** The run states that the engine still has something to do with: the column `open`, which an index finds. */
export const openStates: readonly RunState[] = ['Initiated', 'Running', 'Paused', 'RequestedDataDeleted']

/** Whether only runs are asked for that the engine still has something to do with. */
export function isOpen({ runState }: RunQuery): boolean {
  return runState?.every((state) => openStates.includes(state)) === true
}
