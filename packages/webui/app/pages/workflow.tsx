/** A workflow: its diagram with what is in it now, and the oldest run of each status. */
import type { JSX } from 'preact'
import type { AnalyticsJson, WorkflowDetailJson } from '../../src/api/workflow-json.ts'
import { counted, countText, durationText } from '../data/amount-text.ts'
import { workflowPath } from '../data/api-client.ts'
import { runParameters, runStates } from '../data/run-query.ts'
import { Diagram } from '../ui/diagram.tsx'
import { Link } from '../ui/link.tsx'
import { Age, Answer, Counting, Empty, Panel, stateName } from '../ui/parts.tsx'
import { useResource } from '../ui/use-resource.ts'
import { WorkflowPicker } from '../ui/workflow-picker.tsx'

export function WorkflowPage({ workflow }: { readonly workflow: string }): JSX.Element {
  const detail = useResource<WorkflowDetailJson>(
    workflow,
    (ask, signal) => ask(workflowPath(workflow), { signal }),
    (change) => change.workflow === workflow,
    ({ counting }) => counting === true,
    true,
  )
  const analytics = useResource<AnalyticsJson>(
    workflow,
    (ask, signal) => ask(workflowPath(workflow, 'analytics'), { signal }),
    () => false,
  )
  return (
    <>
      <div class="head">
        <h1>{workflow}</h1>
        <div class="head-end">
          <WorkflowPicker page="workflow" workflow={workflow} />
        </div>
      </div>
      <Answer of={detail}>
        {(value) => (
          <>
            <States detail={value} />
            <Panel flush>
              <Diagram workflow={value} label={`The statuses of ${workflow}, with their unfinished runs`} notes={notesOf(value)} />
            </Panel>
            <Statuses detail={value} times={timesOf(analytics.value.value)} />
          </>
        )}
      </Answer>
    </>
  )
}

function notesOf({ byStatus }: WorkflowDetailJson): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(byStatus ?? {}).flatMap(([status, count]) => (count === 0 ? [] : [[status, counted(count, 'run')] as const])),
  )
}

function timesOf(analytics: AnalyticsJson | undefined): ReadonlyMap<string, AnalyticsJson['statuses'][number]> {
  return new Map((analytics?.statuses ?? []).map((status) => [status.status, status]))
}

function States({ detail: { name, byState } }: { readonly detail: WorkflowDetailJson }): JSX.Element {
  const known = runStates.flatMap((state) => {
    const count = byState?.[state] ?? 0
    return count === 0 ? [] : [{ state, count }]
  })
  return (
    <Panel title="Runs">
      {byState === undefined ? (
        <Counting />
      ) : known.length === 0 ? (
        <Empty>No runs yet.</Empty>
      ) : (
        <div class="counts">
          {known.map(({ state, count }) => (
            <Link key={state} to={{ page: 'runs', workflow: name }} parameters={runParameters({ state: [state] })}>
              <span class={`count count-${state}`}>{countText(count)}</span>
              <span class="soft">{stateName(state)}</span>
            </Link>
          ))}
        </div>
      )}
    </Panel>
  )
}

interface StatusesProps {
  readonly detail: WorkflowDetailJson
  readonly times: ReadonlyMap<string, AnalyticsJson['statuses'][number]>
}

function Statuses({ detail, times }: StatusesProps): JSX.Element {
  return (
    <Panel title="Statuses">
      <div class="scrolls" tabIndex={0} role="group" aria-label="Statuses">
        <table>
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col" class="number">
                Unfinished runs
              </th>
              <th scope="col">Oldest</th>
              <th scope="col" class="number">
                Time in it, half of the runs
              </th>
              <th scope="col" class="number">
                99 of 100
              </th>
            </tr>
          </thead>
          <tbody>
            {detail.nodes.map(({ status }) => {
              const [oldest, time] = [detail.oldest?.[status], times.get(status)?.timeMs]
              return (
                <tr key={status}>
                  <td class="mono breaks">{status}</td>
                  <td class="number">{detail.byStatus === undefined ? '…' : countText(detail.byStatus[status] ?? 0)}</td>
                  <td>
                    {oldest === undefined ? null : (
                      <>
                        <Link to={{ page: 'run', workflow: detail.name, runId: oldest.runId }}>{oldest.foreignId}</Link>{' '}
                        <span class="soft">
                          created <Age at={oldest.createdAt} />
                        </span>
                      </>
                    )}
                  </td>
                  <td class="number">{time === undefined || time.count === 0 ? '–' : durationText(time.p50)}</td>
                  <td class="number">{time === undefined || time.count === 0 ? '–' : durationText(time.p99)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
