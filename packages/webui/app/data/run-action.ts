/** What may be done to a run in a state. */
import type { RunState } from './run-query.ts'

export type RunActionName = 'pause' | 'resume' | 'cancel' | 'retry' | 'moveTo' | 'deleteData'

export interface RunActionOffer {
  readonly name: RunActionName
  readonly label: string
  /** What it ends cannot be brought back. */
  readonly danger: boolean
}

const offers: readonly (RunActionOffer & { readonly states: readonly RunState[] })[] = [
  { name: 'resume', label: 'Resume', danger: false, states: ['Paused'] },
  { name: 'pause', label: 'Pause', danger: false, states: ['Initiated', 'Running'] },
  { name: 'retry', label: 'Retry as a new run', danger: false, states: ['Completed', 'Cancelled'] },
  { name: 'moveTo', label: 'Move to a status', danger: false, states: ['Initiated', 'Running', 'Paused'] },
  { name: 'cancel', label: 'Cancel the run', danger: true, states: ['Initiated', 'Running', 'Paused'] },
  { name: 'deleteData', label: 'Delete its data', danger: true, states: ['Completed', 'Cancelled'] },
]

/** Only a run that stands still is moved: one that is paused, or whose last attempt has failed (`failing`). */
export function runActions(state: RunState, failing: boolean): readonly RunActionOffer[] {
  return offers.filter(({ name, states }) => states.includes(state) && (name !== 'moveTo' || state === 'Paused' || failing))
}

export function actionLabel(action: RunActionName): string {
  return offers.find(({ name }) => name === action)?.label ?? action
}

/** Names one decision to act. Not a UUID of the browser's: those are only for pages over HTTPS. */
export function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
