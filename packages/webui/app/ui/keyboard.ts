/** Keys that work on every page. A letter typed into a field is a letter. */
import type { Site } from './site.ts'

export interface KeyHelp {
  readonly keys: string
  readonly does: string
}

export const keyHelp: readonly KeyHelp[] = [
  { keys: 'Ctrl K or ⌘ K', does: 'search pages, workflows and runs' },
  { keys: 'g d', does: 'go to the dashboard' },
  { keys: 'g r', does: 'go to the runs' },
  { keys: 'g w', does: 'go to the workflow' },
  { keys: 'g a', does: 'go to its analytics' },
  { keys: '/', does: 'filter runs by foreign id' },
  { keys: 'j k or ↓ ↑', does: 'next and previous run in a list' },
  { keys: 'x', does: 'select the run in a list' },
  { keys: 'Enter', does: 'open it' },
  { keys: '?', does: 'show these keys' },
]

export interface KeyActions {
  readonly openPalette: () => void
  readonly openHelp: () => void
  /** The workflow that pages of one workflow are opened for. */
  readonly workflow: () => string | undefined
}

/** After `g` the next key is waited for so long. */
const chordMs = 1_200

/** Listens until what it gives is called. */
export function listenToKeys(site: Site, { openPalette, openHelp, workflow }: KeyActions): () => void {
  let chordAt = Number.NEGATIVE_INFINITY
  const chord = (key: string): void => {
    const name = workflow()
    if (key === 'd') site.go({ page: 'dashboard' })
    else if (name === undefined) return
    else if (key === 'r') site.go({ page: 'runs', workflow: name })
    else if (key === 'w') site.go({ page: 'workflow', workflow: name })
    else if (key === 'a') site.go({ page: 'analytics', workflow: name })
  }
  const pressed = (event: KeyboardEvent): void => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      return openPalette()
    }
    if (event.metaKey || event.ctrlKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]') !== null) return
    const inChord = event.timeStamp - chordAt < chordMs
    chordAt = Number.NEGATIVE_INFINITY
    if (inChord) chord(event.key)
    else if (event.key === 'g') chordAt = event.timeStamp
    else if (event.key === '?') openHelp()
    else if (event.key === '/') {
      const field = document.querySelector('[data-key="slash"]')
      if (!(field instanceof HTMLElement)) return openPalette()
      event.preventDefault()
      field.focus()
    }
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox'
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}
