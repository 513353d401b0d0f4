/** The statuses of a workflow as boxes, with what is known of them. */
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { WorkflowJson } from '../../src/api/workflow-json.ts'
import { wayKey } from '../data/run-timeline.ts'
import { runParameters } from '../data/run-query.ts'
import { type Arrow, type Box, boxLabel, layoutOf } from '../diagram/layout.ts'
import { follow } from './link.tsx'
import { useNarrow } from './narrow.ts'
import { useSite } from './site.ts'

export interface DiagramProps {
  readonly workflow: WorkflowJson
  readonly label: string
  readonly current?: string
  /** Statuses and ways (`wayKey`) that a run has been through. */
  readonly passed?: { readonly statuses: ReadonlySet<string>; readonly ways: ReadonlySet<string> }
  /** A second line in a status's box. */
  readonly notes?: ReadonlyMap<string, string>
}

export function Diagram({ workflow, label, current, passed, notes }: DiagramProps): JSX.Element {
  const narrow = useNarrow()
  const layout = useMemo(() => layoutOf(workflow, narrow ? 'down' : 'right'), [workflow, narrow])
  const terminals = new Set(workflow.terminals)
  const nodeClass = (status: string): string =>
    [
      'box',
      terminals.has(status) ? 'box-terminal' : '',
      notes?.has(status) === true ? 'box-busy' : '',
      passed?.statuses.has(status) === true ? 'box-passed' : '',
      status === current ? 'box-current' : '',
    ].join(' ')
  return (
    <div class="diagram" tabIndex={0} role="group" aria-label={label}>
      <svg width={layout.width} height={layout.height} viewBox={`0 0 ${layout.width} ${layout.height}`}>
        <defs>
          <Head id="head" name="arrow-head" />
          <Head id="head-passed" name="arrow-head-passed" />
        </defs>
        {layout.arrows.map((arrow) => (
          <ArrowLine key={wayKey(arrow.from, arrow.to)} arrow={arrow} passed={passed?.ways.has(wayKey(arrow.from, arrow.to)) === true} />
        ))}
        {layout.boxes.map((box) => (
          <StatusBox key={box.status} box={box} workflow={workflow.name} name={nodeClass(box.status)} note={notes?.get(box.status)} />
        ))}
      </svg>
    </div>
  )
}

function Head({ id, name }: { readonly id: string; readonly name: string }): JSX.Element {
  return (
    <marker
      id={id}
      class={name}
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerWidth="8"
      markerHeight="8"
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path d="M0 0 8 4 0 8z" />
    </marker>
  )
}

function ArrowLine({ arrow, passed }: { readonly arrow: Arrow; readonly passed: boolean }): JSX.Element {
  return (
    <path
      class={`arrow${arrow.back ? ' arrow-back' : ''}${passed ? ' arrow-passed' : ''}`}
      d={arrow.path}
      marker-end={`url(#${passed ? 'head-passed' : 'head'})`}
    >
      <title>{`${arrow.from} → ${arrow.to}: ${arrow.kinds.join(', ')}`}</title>
    </path>
  )
}

interface StatusBoxProps {
  readonly box: Box
  readonly workflow: string
  readonly name: string
  readonly note: string | undefined
}

/** Leads to the runs that are in it. */
function StatusBox({ box, workflow, name, note }: StatusBoxProps): JSX.Element {
  const site = useSite()
  const { status, x, y, width, height } = box
  const to = { page: 'runs', workflow } as const
  const parameters = runParameters({ status: [status] })
  return (
    <a
      href={site.href(to, parameters)}
      aria-label={`${boxLabel(status)}${note === undefined ? '' : ` ${note}`}: show the runs at ${status}`}
      onClick={(event: MouseEvent) => follow(event, site, to, parameters)}
    >
      <g class={name}>
        {boxLabel(status) === status ? null : <title>{status}</title>}
        <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx={6} />
        <text x={x} y={note === undefined ? y + 4 : y - 3}>
          {boxLabel(status)}
        </text>{' '}
        {note === undefined ? null : (
          <text class="box-count" x={x} y={y + 13}>
            {note}
          </text>
        )}
      </g>
    </a>
  )
}
