/** Why somebody acts: asked for before every action. */
import type { Signal } from '@preact/signals'
import type { JSX } from 'preact'

export function ReasonField({ reason, of }: { readonly reason: Signal<string>; readonly of: string }): JSX.Element {
  return (
    <label class="field">
      {`Reason, kept in the history of ${of}`}
      <input type="text" required maxLength={4_096} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />
    </label>
  )
}

interface DialogEndProps {
  readonly label: string
  readonly ready: boolean
  readonly onBack: () => void
}

/** The way back, and the way on. */
export function DialogEnd({ label, ready, onBack }: DialogEndProps): JSX.Element {
  return (
    <div class="dialog-end">
      <button type="button" class="button" onClick={onBack}>
        Back
      </button>
      <button type="submit" class="button button-main" disabled={!ready}>
        {label}
      </button>
    </div>
  )
}
