/** The runs of a workflow: a filter that stands in the address, and a list that grows as it is scrolled. */
import { type Signal, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import type { RunJson, RunPageJson } from '../../src/api/run-json.ts'
import { counted } from '../data/amount-text.ts'
import { type Ask, workflowPath } from '../data/api-client.ts'
import { filterOf, type RunQuery, runParameters, runQueryOf } from '../data/run-query.ts'
import { type RunPages, runPages } from '../live/run-pages.ts'
import { Empty, FaultNote, Panel, Skeleton } from '../ui/parts.tsx'
import { useMay, useSite, useWorkflow } from '../ui/site.ts'
import { WorkflowPicker } from '../ui/workflow-picker.tsx'
import { BulkDialog, type BulkWhat } from './bulk-dialog.tsx'
import { RunFilters } from './run-filters.tsx'
import { RunList } from './run-list.tsx'

const pageSize = '200'

export function RunsPage({ workflow }: { readonly workflow: string }): JSX.Element {
  const site = useSite()
  const mayAct = useMay('act')
  const process = useWorkflow(workflow)
  const { parameters } = site.place.value
  const query = runQueryOf(parameters)
  const text = runParameters(query).toString()
  const selected = useSignal<ReadonlyMap<string, RunJson>>(new Map())
  const bulk = useSignal<BulkWhat | undefined>(undefined)
  const pages = useMemo(() => pagesOf(site.ask, workflow, text), [workflow, text])
  useEffect(() => {
    selected.value = new Map()
    void pages.reload()
    const deaf = site.hear((change) => {
      if (change === undefined) pages.missed()
      else if (change.workflow === workflow) pages.apply(change)
    })
    return () => {
      deaf()
      pages.dispose()
    }
  }, [pages])
  const show = (next: RunQuery): void => site.go({ page: 'runs', workflow }, { parameters: runParameters(next), replace: true })
  const fault = pages.fault.value
  return (
    <>
      <div class="head">
        <h1>Runs of {workflow}</h1>
        <div class="head-end">
          <WorkflowPicker page="runs" workflow={workflow} />
          {mayAct ? (
            <button type="button" class="button" onClick={() => (bulk.value = { kind: 'filter', filter: filterOf(query) })}>
              Act on all that match
            </button>
          ) : null}
        </div>
      </div>
      <Panel>
        <RunFilters
          key={text}
          workflow={workflow}
          statuses={process?.nodes.map(({ status }) => status) ?? []}
          query={query}
          onChange={show}
        />
      </Panel>
      {fault === undefined ? null : <FaultNote fault={fault} retry={() => void pages.reload()} />}
      <Found workflow={workflow} pages={pages} filtered={text !== ''} selected={selected} onAct={(what) => (bulk.value = what)} />
      {bulk.value === undefined ? null : (
        <BulkDialog
          workflow={workflow}
          what={bulk.value}
          onClose={(changed) => {
            bulk.value = undefined
            if (!changed) return
            selected.value = new Map()
            void pages.reload()
          }}
        />
      )}
    </>
  )
}

function pagesOf(ask: Ask, workflow: string, query: string): RunPages {
  return runPages((cursor, signal) => {
    const parameters = new URLSearchParams(query)
    parameters.set('limit', pageSize)
    if (cursor !== undefined) parameters.set('cursor', cursor)
    return ask<RunPageJson>(`${workflowPath(workflow, 'runs')}?${parameters.toString()}`, { signal })
  })
}

interface FoundProps {
  readonly workflow: string
  readonly pages: RunPages
  readonly filtered: boolean
  readonly selected: Signal<ReadonlyMap<string, RunJson>>
  readonly onAct: (what: BulkWhat) => void
}

function Found({ workflow, pages, filtered, selected, onAct }: FoundProps): JSX.Element {
  const [runs, loading] = [pages.runs.value, pages.loading.value]
  const amount = `${counted(runs.length, 'run')} loaded${pages.more.value ? '; more as you scroll' : '; these are all'}`
  return (
    <>
      <Panel flush>
        <Selection selected={selected} onAct={onAct} />
        <Moved pages={pages} />
        {runs.length > 0 ? (
          <RunList workflow={workflow} pages={pages} selected={selected} />
        ) : loading ? (
          <Skeleton />
        ) : pages.fault.value === undefined ? (
          <Empty>{filtered ? 'No run matches this filter.' : 'No runs yet.'}</Empty>
        ) : null}
      </Panel>
      <p class="soft small" role="status">
        {runs.length > 0 ? amount : loading ? 'Loading' : ''}
      </p>
    </>
  )
}

function Selection({ selected, onAct }: Pick<FoundProps, 'selected' | 'onAct'>): JSX.Element | null {
  const mayAct = useMay('act')
  if (selected.value.size === 0) return null
  return (
    <div class="bulk">
      <span>{counted(selected.value.size, 'run')} selected</span>
      {mayAct ? (
        <button type="button" class="button" onClick={() => onAct({ kind: 'runs', runs: [...selected.value.values()] })}>
          Act on them
        </button>
      ) : null}
      <button type="button" class="button button-plain" onClick={() => (selected.value = new Map())}>
        Select none
      </button>
    </div>
  )
}

function Moved({ pages }: Pick<FoundProps, 'pages'>): JSX.Element | null {
  if (pages.unseen.value === 0 && !pages.stale.value) return null
  return (
    <div class="bulk" role="status">
      <span>{pages.stale.value ? 'Some runs may have moved unheard' : `${counted(pages.unseen.value, 'other run')} moved meanwhile`}</span>
      <button type="button" class="button" onClick={() => void pages.reload()}>
        Show the list anew
      </button>
    </div>
  )
}
