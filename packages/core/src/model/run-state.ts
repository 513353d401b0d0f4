/** The life of a run, apart from where it is in its graph. */
export type RunState = 'Initiated' | 'Running' | 'Paused' | 'Completed' | 'Cancelled' | 'RequestedDataDeleted' | 'DataDeleted'

/** Every run state, in the order of a life. */
export const runStates: readonly RunState[] = [
  'Initiated',
  'Running',
  'Paused',
  'Completed',
  'Cancelled',
  'RequestedDataDeleted',
  'DataDeleted',
]

const successors: { readonly [State in RunState]: readonly RunState[] } = {
  Initiated: ['Running', 'Paused', 'Cancelled'],
  Running: ['Completed', 'Paused', 'Cancelled'],
  Paused: ['Running', 'Cancelled'],
  Completed: ['RequestedDataDeleted'],
  Cancelled: ['RequestedDataDeleted'],
  RequestedDataDeleted: ['DataDeleted'],
  DataDeleted: [],
}

/** Whether a run may go from `from` to `to` in one move. */
export function isLegalMove(from: RunState, to: RunState): boolean {
  return successors[from].includes(to)
}

/** Whether the run will never move through its graph again. While this is false, its foreign id is taken. */
export function isFinished(state: RunState): boolean {
  return state !== 'Initiated' && state !== 'Running' && state !== 'Paused'
}
