/** A dialog of the browser's own: it keeps the focus, closes with Escape and gives the focus back. */
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface ModalProps {
  readonly title: string
  readonly class?: string
  readonly hideTitle?: boolean
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export function Modal({ title, class: name, hideTitle = false, onClose, children }: ModalProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  // Before anything is drawn: what is typed right after the key that opened it belongs to it.
  useLayoutEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={name}
      aria-label={title}
      onClose={onClose}
      onClick={(event: MouseEvent) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="form">
        {hideTitle ? null : <h2>{title}</h2>}
        {children}
      </div>
    </dialog>
  )
}
