/** A link to a page of ours: an address as any other, followed without loading the document anew. */
import type { ComponentChildren, JSX } from 'preact'
import type { PageRoute } from '../data/route-path.ts'
import { type Site, useSite } from './site.ts'

export interface LinkProps {
  readonly to: PageRoute
  readonly parameters?: URLSearchParams
  readonly class?: string
  readonly current?: boolean
  readonly label?: string
  readonly children: ComponentChildren
}

export function Link({ to, parameters, class: name, current = false, label, children }: LinkProps): JSX.Element {
  const site = useSite()
  return (
    <a
      href={site.href(to, parameters)}
      class={name}
      aria-current={current ? 'page' : undefined}
      aria-label={label}
      onClick={(event: MouseEvent) => follow(event, site, to, parameters)}
    >
      {children}
    </a>
  )
}

/** Whoever wants a new tab gets one. */
export function follow(event: MouseEvent, site: Site, to: PageRoute, parameters: URLSearchParams | undefined): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  site.go(to, parameters === undefined ? {} : { parameters })
}
