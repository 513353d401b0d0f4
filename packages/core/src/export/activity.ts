/** How an entry of a history is called in an event log. */
import type { RunHistoryEntry } from '../run-history.ts'

/**
 * What ran: the process by its name, as in `states()` and metrics (`'step created'`, `'callback sent'`), `'trigger'`, or what
 * a person or the engine did to the run: `'pause'`, `'resume'`, `'cancel'`, `'move'`, `'request data deletion'`, `'delete data'`.
 */
export function activityOf(entry: RunHistoryEntry): string {
  const { by, from } = entry
  if (by === 'trigger') return 'trigger'
  if (by !== 'person' && by !== 'engine') return `${by} ${from ?? entry.to}`
  switch (entry.states.at(-1)) {
    case 'Paused':
      return 'pause'
    case 'Cancelled':
      return 'cancel'
    case 'RequestedDataDeleted':
      return 'request data deletion'
    case 'DataDeleted':
      return 'delete data'
    default:
      return isResume(entry) ? 'resume' : 'move'
  }
}

/** The transition of the standard lifecycle of XES that the entry is. */
export function lifecycleOf(entry: RunHistoryEntry): 'complete' | 'suspend' | 'resume' | 'pi_abort' {
  const state = entry.states.at(-1)
  if (state === 'Paused') return 'suspend'
  if (state === 'Cancelled') return 'pi_abort'
  return isResume(entry) ? 'resume' : 'complete'
}

function isResume({ by, from, to, states }: RunHistoryEntry): boolean {
  return (by === 'person' || by === 'engine') && states[0] === 'Paused' && states.at(-1) === 'Running' && from === to
}
