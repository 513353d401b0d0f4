/** The list of runs: only the rows that are seen are drawn, so a hundred thousand scroll like ten. */
import { type Signal, useSignal } from '@preact/signals'
import type { JSX, RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { RunJson } from '../../src/api/run-json.ts'
import { listWindow } from '../data/list-window.ts'
import type { RunPages } from '../live/run-pages.ts'
import { Link } from '../ui/link.tsx'
import { useNarrow } from '../ui/narrow.ts'
import { Age, StateBadge } from '../ui/parts.tsx'
import { useSite } from '../ui/site.ts'

/** As in the style sheet. */
const rowHeight = { wide: 40, narrow: 60 } as const
/** The next page is asked for when so many rows are left below. */
const aheadRows = 60

export interface RunListProps {
  readonly workflow: string
  readonly pages: RunPages
  readonly selected: Signal<ReadonlyMap<string, RunJson>>
}

export function RunList({ workflow, pages, selected }: RunListProps): JSX.Element {
  const site = useSite()
  const list = useRef<HTMLDivElement>(null)
  const height = rowHeight[useNarrow() ? 'narrow' : 'wide']
  const scroll = useSignal({ top: 0, height: 800 })
  const at = useSignal(0)
  const runs = pages.runs.value
  const window = listWindow(scroll.value.top, scroll.value.height, height, runs.length)
  const measure = (): void => {
    const { current } = list
    if (current !== null) scroll.value = { top: current.scrollTop, height: current.clientHeight }
  }
  useEffect(() => {
    measure()
    addEventListener('resize', measure)
    return () => removeEventListener('resize', measure)
  }, [])
  useEffect(() => {
    if (window.to + aheadRows >= runs.length && pages.fault.value === undefined) void pages.loadMore()
  }, [window.to, runs.length])
  const toggle = (run: RunJson): void => {
    const next = new Map(selected.value)
    if (!next.delete(run.runId)) next.set(run.runId, run)
    selected.value = next
  }
  const pressed = listKeys({ list, at, height, runs, toggle, open: (run) => site.go({ page: 'run', workflow, runId: run.runId }) })
  return (
    <div
      class="list"
      ref={list}
      role="grid"
      aria-label={`Runs of ${workflow}`}
      aria-rowcount={pages.more.value ? -1 : runs.length + 1}
      aria-multiselectable="true"
      onScroll={measure}
      onKeyDown={pressed}
    >
      <Head runs={runs} selected={selected} />
      <div class="list-rows" role="rowgroup" style={{ height: `${window.height}px` }}>
        <div role="presentation" style={{ transform: `translateY(${window.offset}px)` }}>
          {runs.slice(window.from, window.to).map((run, i) => (
            <RunRow
              key={run.runId}
              run={run}
              row={window.from + i}
              focusable={window.from + i === Math.max(window.from, Math.min(at.value, window.to - 1))}
              selected={selected.value.has(run.runId)}
              onFocus={() => (at.value = window.from + i)}
              onToggle={() => toggle(run)}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

interface ListKeys {
  readonly list: RefObject<HTMLDivElement | null>
  /** The row that has the focus. */
  readonly at: Signal<number>
  readonly height: number
  readonly runs: readonly RunJson[]
  readonly toggle: (run: RunJson) => void
  readonly open: (run: RunJson) => void
}

function listKeys({ list, at, height, runs, toggle, open }: ListKeys): (event: KeyboardEvent) => void {
  const focusRow = (row: number): void => {
    at.value = Math.max(0, Math.min(runs.length - 1, row))
    reveal(list.current, at.value * height, height)
    // The row may have to be drawn first.
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-row="${at.value}"]`)?.focus({ preventScroll: true }))
  }
  return (event) => {
    const run = runs[at.value]
    const page = Math.max(1, Math.floor((list.current?.clientHeight ?? 0) / height) - 2)
    const steps: Readonly<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: page, PageUp: -page }
    const step = steps[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (step !== undefined) focusRow(at.value + step)
    else if (event.key === 'Home') focusRow(0)
    else if (event.key === 'End') focusRow(runs.length - 1)
    else if (event.key === 'x' && run !== undefined) toggle(run)
    else if (event.key === 'Enter' && run !== undefined && isRow(event.target)) open(run)
    else return
    event.preventDefault()
  }
}

function Head({ runs, selected }: Pick<RunListProps, 'selected'> & { readonly runs: readonly RunJson[] }): JSX.Element {
  const allSelected = runs.length > 0 && runs.every(({ runId }) => selected.value.has(runId))
  return (
    <div class="run-row run-head" role="row" aria-rowindex={1}>
      <span class="check" role="columnheader">
        <input
          type="checkbox"
          aria-label="Select all that are loaded"
          checked={allSelected}
          onChange={() => (selected.value = allSelected ? new Map() : new Map(runs.map((run) => [run.runId, run])))}
        />
      </span>
      <span role="columnheader">Foreign id</span>
      <span role="columnheader">Status</span>
      <span role="columnheader">State</span>
      <span role="columnheader">Created</span>
      <span role="columnheader">Updated</span>
    </div>
  )
}

interface RunRowProps {
  readonly run: RunJson
  readonly row: number
  readonly focusable: boolean
  readonly selected: boolean
  readonly onFocus: () => void
  readonly onToggle: () => void
}

function RunRow({ run, row, focusable, selected, onFocus, onToggle }: RunRowProps): JSX.Element {
  const site = useSite()
  const to = { page: 'run', workflow: run.workflow, runId: run.runId } as const
  const clicked = (event: MouseEvent): void => {
    const onControl = event.target instanceof Element && event.target.closest('a, input') !== null
    if (!onControl) site.go(to)
  }
  return (
    <div
      class="run-row"
      role="row"
      aria-rowindex={row + 2}
      aria-selected={selected}
      tabIndex={focusable ? 0 : -1}
      data-row={row}
      onFocus={onFocus}
      onClick={clicked}
    >
      <span class="check" role="gridcell">
        <input type="checkbox" tabIndex={-1} aria-label={`Select ${run.foreignId}`} checked={selected} onChange={onToggle} />
      </span>
      <span role="gridcell" title={run.foreignId}>
        <Link to={to}>{run.foreignId}</Link>
      </span>
      <span role="gridcell" class="cell-status mono" title={run.status}>
        {run.status}
      </span>
      <span role="gridcell" class="cell-state">
        <StateBadge state={run.state} />
      </span>
      <span role="gridcell" class="cell-created soft">
        <Age at={run.createdAt} />
      </span>
      <span role="gridcell" class="cell-updated soft">
        <Age at={run.updatedAt} />
      </span>
    </div>
  )
}

function isRow(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.dataset['row'] !== undefined
}

/** Scrolls no further than it must; the head of the list covers its top. */
function reveal(list: HTMLElement | null, top: number, height: number): void {
  if (list === null) return
  if (top < list.scrollTop) list.scrollTop = top
  else if (top + 2 * height > list.scrollTop + list.clientHeight) list.scrollTop = top + 2 * height - list.clientHeight
}
