/** What surrounds every page: where one is, where one can go, and whether what is seen is live. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { pathOf, type PageRoute } from '../data/route-path.ts'
import type { StreamState } from '../live/change-stream.ts'
import { AnalyticsPage } from '../pages/analytics.tsx'
import { DashboardPage } from '../pages/dashboard.tsx'
import { RunPage } from '../pages/run.tsx'
import { RunsPage } from '../pages/runs.tsx'
import { WorkflowPage } from '../pages/workflow.tsx'
import { keyHelp, listenToKeys } from './keyboard.ts'
import { Link } from './link.tsx'
import { Modal } from './modal.tsx'
import { Palette } from './palette.tsx'
import { Answer, Empty } from './parts.tsx'
import { useSite } from './site.ts'

export function Shell(): JSX.Element {
  const site = useSite()
  const open = useSignal<'palette' | 'help' | undefined>(undefined)
  const main = useRef<HTMLElement>(null)
  const { route } = site.place.value
  const path = pathOf(route)
  const shown = useRef(path)
  useEffect(() => {
    void site.session.reload()
    return listenToKeys(site, {
      openPalette: () => (open.value = 'palette'),
      openHelp: () => (open.value = 'help'),
      workflow: () => workflowOf(site.place.value.route) ?? site.session.value.value?.workflows[0]?.name,
    })
  }, [])
  useEffect(() => {
    document.title = titleOf(route)
    // Whoever cannot see the page change hears where they are.
    if (shown.current !== path) main.current?.focus({ preventScroll: true })
    shown.current = path
  }, [path])
  const close = (): void => {
    open.value = undefined
  }
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        To the content
      </a>
      <Top onSearch={() => (open.value = 'palette')} onHelp={() => (open.value = 'help')} />
      <main id="main" ref={main} tabIndex={-1}>
        <Answer of={site.session}>{() => <CurrentPage />}</Answer>
      </main>
      <div role="status">{site.message.value === undefined ? null : <p class="toast">{site.message.value}</p>}</div>
      {open.value === 'palette' ? <Palette onClose={close} /> : null}
      {open.value === 'help' ? <KeyHelpDialog onClose={close} /> : null}
    </>
  )
}

const streamTexts: Readonly<Record<StreamState, string>> = { live: 'Live', connecting: 'Connecting', broken: 'Not live' }

function Top({ onSearch, onHelp }: { readonly onSearch: () => void; readonly onHelp: () => void }): JSX.Element {
  const site = useSite()
  const { route } = site.place.value
  const workflows = site.session.value.value?.workflows ?? []
  const name = workflowOf(route) ?? workflows[0]?.name
  const stream = site.stream.value
  return (
    <header class="top">
      <Link to={{ page: 'dashboard' }} class="brand" label="Workflow, dashboard">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M8 8v8a4 4 0 0 0 4 4h10M8 12h14" fill="none" stroke="currentColor" stroke-width="2.5" />
          <circle cx="8" cy="7" r="4" fill="currentColor" />
          <circle cx="24" cy="12" r="4" fill="currentColor" />
          <circle cx="24" cy="20" r="4" fill="currentColor" />
        </svg>
        Workflow
      </Link>
      <nav aria-label="Pages">
        <Link to={{ page: 'dashboard' }} current={route.page === 'dashboard'}>
          Dashboard
        </Link>
        {name === undefined ? null : (
          <>
            <Link to={{ page: 'runs', workflow: name }} current={route.page === 'runs' || route.page === 'run'}>
              Runs
            </Link>
            <Link to={{ page: 'workflow', workflow: name }} current={route.page === 'workflow'}>
              Diagram
            </Link>
            <Link to={{ page: 'analytics', workflow: name }} current={route.page === 'analytics'}>
              Analytics
            </Link>
          </>
        )}
      </nav>
      <div class="top-end">
        <span class={`live live-${stream}`}>{streamTexts[stream]}</span>
        <button type="button" class="button" onClick={onSearch}>
          Search <kbd class="key-hint">Ctrl K</kbd>
        </button>
        <button type="button" class="button key-hint" aria-label="Keys" onClick={onHelp}>
          ?
        </button>
      </div>
    </header>
  )
}

function CurrentPage(): JSX.Element {
  const { place, session } = useSite()
  const { route } = place.value
  const name = workflowOf(route)
  const known = name === undefined || session.value.value?.workflows.some((one) => one.name === name) === true
  if (!known) return <Nowhere>No workflow called “{name}” is served here.</Nowhere>
  switch (route.page) {
    case 'dashboard':
      return <DashboardPage />
    case 'runs':
      return <RunsPage key={route.workflow} workflow={route.workflow} />
    case 'run':
      return <RunPage key={`${route.workflow} ${route.runId}`} workflow={route.workflow} runId={route.runId} />
    case 'workflow':
      return <WorkflowPage key={route.workflow} workflow={route.workflow} />
    case 'analytics':
      return <AnalyticsPage key={route.workflow} workflow={route.workflow} />
    case 'unknown':
      return <Nowhere>There is no page at this address.</Nowhere>
  }
}

function Nowhere({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <h1>Nothing is here</h1>
      <Empty>{children}</Empty>
    </>
  )
}

function KeyHelpDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl class="facts">
        {keyHelp.map(({ keys, does }) => (
          <>
            <dt key={keys}>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
      <div class="dialog-end">
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  )
}

function workflowOf(route: PageRoute): string | undefined {
  return 'workflow' in route ? route.workflow : undefined
}

function titleOf(route: PageRoute): string {
  switch (route.page) {
    case 'dashboard':
      return 'Dashboard · Workflow'
    case 'runs':
      return `Runs of ${route.workflow} · Workflow`
    case 'run':
      return `Run of ${route.workflow} · Workflow`
    case 'workflow':
      return `${route.workflow} · Workflow`
    case 'analytics':
      return `Analytics of ${route.workflow} · Workflow`
    case 'unknown':
      return 'No such page · Workflow'
  }
}
