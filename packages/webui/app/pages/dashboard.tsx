/** All workflows at a glance: what needs a person now comes first. */
import type { JSX } from 'preact'
import type { RunJson } from '../../src/api/run-json.ts'
import type { OverviewJson, WorkflowOverviewJson } from '../../src/api/workflow-json.ts'
import { countText, counted, timeText } from '../data/amount-text.ts'
import { createdPerMinute, finishedPerMinute } from '../data/run-rate.ts'
import { runParameters, runStates } from '../data/run-query.ts'
import { Link } from '../ui/link.tsx'
import { Age, Answer, Bars, Counting, Empty, Panel, stateName } from '../ui/parts.tsx'
import { useResource } from '../ui/use-resource.ts'

export function DashboardPage(): JSX.Element {
  const overview = useResource<OverviewJson>(
    'overview',
    (ask, signal) => ask('/overview', { signal }),
    () => true,
    ({ workflows }) => workflows.some(isCounting),
    true,
  )
  return (
    <>
      <div class="head">
        <h1>Dashboard</h1>
      </div>
      <Answer of={overview}>
        {({ workflows, at }) => (
          <>
            <States workflows={workflows} at={at} />
            <div class="columns">
              <NeedsPerson runs={workflows.flatMap(({ needsPerson }) => needsPerson ?? [])} />
              <div class="stack">
                {workflows.map((workflow) => (
                  <WorkflowCard key={workflow.name} workflow={workflow} />
                ))}
              </div>
            </div>
          </>
        )}
      </Answer>
    </>
  )
}

/** A store that has so many runs that its counts take a while. */
function isCounting({ counting }: WorkflowOverviewJson): boolean {
  return counting === true
}

/** Of all workflows whose stores answer. */
function States({ workflows, at }: { readonly workflows: readonly WorkflowOverviewJson[]; readonly at: string }): JSX.Element {
  const sums = runStates.map((state) => [state, workflows.reduce((sum, { byState }) => sum + (byState?.[state] ?? 0), 0)] as const)
  const rates = [
    ['Created per min', createdPerMinute(workflows)],
    ['Finished per min', finishedPerMinute(workflows, at)],
  ] as const
  const isNothingKnown = workflows.some(isCounting) && workflows.every(({ byState }) => byState === undefined)
  return (
    <Panel title="Runs">
      {workflows.some(isCounting) ? <Counting /> : null}
      <div class="counts">
        {sums
          .filter(([state, count]) => count > 0 || (!isNothingKnown && isAlwaysShown(state)))
          .map(([state, count]) => (
            <div key={state}>
              <span class={`count${count > 0 ? ` count-${state}` : ''}`}>{countText(count)}</span>
              <span class="soft">{stateName(state)}</span>
            </div>
          ))}
        {rates.map(([label, rate]) =>
          rate === undefined ? null : (
            <div key={label}>
              <span class="count">{rate < 10 ? rate.toFixed(1) : countText(Math.round(rate))}</span>
              <span class="soft">{label}</span>
            </div>
          ),
        )}
      </div>
    </Panel>
  )
}

function isAlwaysShown(state: string): boolean {
  return state === 'Running' || state === 'Paused' || state === 'Completed'
}

function NeedsPerson({ runs }: { readonly runs: readonly RunJson[] }): JSX.Element {
  const newest = [...runs].sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt)).slice(0, 10)
  return (
    <Panel title="Needs a person now">
      {newest.length === 0 ? (
        <p class="soft">Nothing: no run is paused for good.</p>
      ) : (
        <ul class="items">
          {newest.map((run) => (
            <li key={`${run.workflow} ${run.runId}`}>
              <div class="tl-line">
                <Link to={{ page: 'run', workflow: run.workflow, runId: run.runId }}>{run.foreignId}</Link>
                <span class="soft">
                  {run.workflow} at <span class="mono">{run.status}</span>
                </span>
                <Age at={run.updatedAt} />
              </div>
              {run.pause === undefined ? null : <p class="breaks small">{run.pause.reason}</p>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function WorkflowCard({ workflow }: { readonly workflow: WorkflowOverviewJson }): JSX.Element {
  const { name, health, byState, created, heard, lag } = workflow
  const late = (lag ?? []).filter(({ events }) => events > 0).sort((a, b) => b.events - a.events)
  return (
    <Panel>
      <div class="stack">
        <div class="head">
          <h2>
            <Link to={{ page: 'workflow', workflow: name }}>{name}</Link>
          </h2>
          <div class="head-end">
            <Link to={{ page: 'runs', workflow: name }} label={`Runs of ${name}`}>
              Runs
            </Link>
            <Link to={{ page: 'analytics', workflow: name }} label={`Analytics of ${name}`}>
              Analytics
            </Link>
          </div>
        </div>
        {health.up ? null : (
          <p class="note" role="alert">
            The store is down{health.since === undefined ? '' : ` since ${timeText(health.since)}`}; trying again. {health.message ?? ''}
          </p>
        )}
        {isCounting(workflow) ? <Counting /> : null}
        {byState === undefined ? null : <StateLinks name={name} byState={byState} />}
        {created === undefined ? null : (
          <div>
            <Bars counts={halfHour(created)} label={`${name}: ${createdText(created)}, per minute`} />
            <p class="soft small">{createdText(created)}</p>
          </div>
        )}
        {heard === undefined ? null : <Heard name={name} heard={heard} />}
        {late.length === 0 ? null : (
          <ul class="small">
            {late.slice(0, 4).map((one) => (
              <li key={one.name} class="row">
                <span class="mono breaks">{one.name}</span> {counted(one.events, 'event')} behind
                {one.oldest === undefined ? null : (
                  <span class="soft">
                    oldest <Age at={one.oldest} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  )
}

/** What has come to an end, and what has stopped, since the server follows this workflow. */
function Heard({ name, heard }: { readonly name: string; readonly heard: NonNullable<WorkflowOverviewJson['heard']> }): JSX.Element {
  const { completed, cancelled, paused, since } = heard
  const finished = completed.map((count, i) => count + (cancelled[i] ?? 0))
  const text = `${counted(sum(finished), 'run')} finished, ${countText(sum(paused))} paused since ${timeText(since).slice(11)}`
  return (
    <div>
      <Bars counts={halfHour(finished)} label={`${name}: ${text}, finished per minute`} />
      <p class="soft small">{text}</p>
    </div>
  )
}

/** A server looks back as far as the newest runs go, which is not to the beginning of this minute where they come in thousands. */
function createdText(created: readonly number[]): string {
  if (created.length === 0) return 'more runs are created in a minute than are counted'
  return `${counted(sum(created), 'run')} created in ${created.length === 1 ? 'this minute' : `the last ${created.length} minutes`}`
}

/** Of the last thirty minutes, those of which nothing is known as nothing: so that bars above each other are of the same minute. */
function halfHour(counts: readonly number[]): readonly number[] {
  return [...Array.from({ length: Math.max(0, 30 - counts.length) }, () => 0), ...counts]
}

function StateLinks({
  name,
  byState,
}: {
  readonly name: string
  readonly byState: NonNullable<WorkflowOverviewJson['byState']>
}): JSX.Element {
  const known = runStates.flatMap((state) => {
    const count = byState[state] ?? 0
    return count === 0 ? [] : [{ state, count }]
  })
  if (known.length === 0) return <Empty>No runs yet.</Empty>
  return (
    <div class="row">
      {known.map(({ state, count }) => (
        <Link
          key={state}
          to={{ page: 'runs', workflow: name }}
          parameters={runParameters({ state: [state] })}
          class={`state state-${state}`}
          label={`${stateName(state)} ${countText(count)}: runs of ${name}`}
        >
          {stateName(state)} {countText(count)}
        </Link>
      ))}
    </div>
  )
}

function sum(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0)
}
