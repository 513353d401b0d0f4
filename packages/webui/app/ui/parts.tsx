/** Small parts that every page has. */
import type { ComponentChildren, JSX } from 'preact'
import { agoText, timeText } from '../data/amount-text.ts'
import type { ApiFault } from '../data/api-client.ts'
import type { RunState } from '../data/run-query.ts'
import type { Resource } from '../live/resource.ts'
import { useSite } from './site.ts'

const stateNames: Readonly<Record<RunState, string>> = {
  Initiated: 'Initiated',
  Running: 'Running',
  Paused: 'Paused',
  Completed: 'Completed',
  Cancelled: 'Cancelled',
  RequestedDataDeleted: 'Deleting data',
  DataDeleted: 'Data deleted',
}

export function stateName(state: RunState): string {
  return stateNames[state]
}

export function StateBadge({ state }: { readonly state: RunState }): JSX.Element {
  return <span class={`state state-${state}`}>{stateName(state)}</span>
}

/** How long ago; the moment itself in its title. */
export function Age({ at }: { readonly at: string }): JSX.Element {
  const { now } = useSite()
  return (
    <time dateTime={at} title={timeText(at, 'ms')}>
      {agoText(at, now.value)}
    </time>
  )
}

export function Panel({
  title,
  flush = false,
  children,
}: {
  readonly title?: string
  readonly flush?: boolean
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section class={`panel${flush ? ' panel-flush' : ''}`}>
      {title === undefined ? null : <h2>{title}</h2>}
      {children}
    </section>
  )
}

export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>
}

/** In the place of counts that a store with very many runs has not found out yet. */
export function Counting(): JSX.Element {
  return (
    <p class="soft small" role="status">
      Counting the runs …
    </p>
  )
}

export function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      <span />
      <span />
      <span />
    </div>
  )
}

/** What went wrong, since when, and whether it is tried again. */
export function FaultNote({ fault, retry }: { readonly fault: ApiFault; readonly retry?: () => void }): JSX.Element {
  return (
    <div class="note" role="alert">
      <span>{faultText(fault)}</span>
      {retry === undefined ? null : (
        <button type="button" class="button" onClick={retry}>
          Try now
        </button>
      )}
    </div>
  )
}

export function faultText(fault: ApiFault): string {
  const again = fault.passing ? '; trying again' : ''
  if (fault.code === 'StoreUnavailable') {
    const since = fault.since === undefined ? '' : ` since ${timeText(fault.since)}`
    return `The store is down${since}${again}. ${fault.message}`
  }
  if (fault.code === 'Unreachable') return `The server does not answer${again}. ${fault.message}`
  if (fault.code === 'Unauthorized') return 'Nobody is signed in any more: sign in and load this page again.'
  return `${fault.message}${again}`
}

/** A resource's value; before there is one, that it is loading; beside it, what went wrong. */
export function Answer<T>({ of, children }: { readonly of: Resource<T>; readonly children: (value: T) => ComponentChildren }): JSX.Element {
  const [value, fault] = [of.value.value, of.fault.value]
  return (
    <>
      {fault === undefined ? null : <FaultNote fault={fault} retry={() => void of.reload()} />}
      {value !== undefined ? children(value) : fault === undefined ? <Skeleton /> : null}
    </>
  )
}

/** Counts as bars, oldest first. */
export function Bars({ counts, label }: { readonly counts: readonly number[]; readonly label: string }): JSX.Element {
  const most = Math.max(1, ...counts)
  return (
    <svg class="bars" viewBox={`0 0 ${counts.length * 10} 48`} preserveAspectRatio="none" role="img" aria-label={label}>
      {counts.map((count, i) => {
        const height = count === 0 ? 1 : Math.max(3, (count / most) * 48)
        return <rect key={i} class={count === 0 ? 'bars-rest' : undefined} x={i * 10 + 1} y={48 - height} width={8} height={height} />
      })}
    </svg>
  )
}
