/** One run: where it is and why, the way it took, what happened, its object, and what can be done. */
import type { JSX } from 'preact'
import type { ChildrenJson, ExplanationJson, HistoryEntryJson, RunDetailJson, TimerJson } from '../../src/api/run-json.ts'
import { timeText } from '../data/amount-text.ts'
import { type Ask, workflowPath } from '../data/api-client.ts'
import { pathTaken } from '../data/run-timeline.ts'
import { whyOf } from '../data/why-text.ts'
import { Diagram } from '../ui/diagram.tsx'
import { Link } from '../ui/link.tsx'
import { Age, Answer, Panel, StateBadge } from '../ui/parts.tsx'
import { useSite, useWorkflow } from '../ui/site.ts'
import { useResource } from '../ui/use-resource.ts'
import { RunActions } from './run-actions.tsx'
import { RunObject } from './run-object.tsx'
import { RunTimeline } from './run-timeline.tsx'

export interface RunStory {
  readonly run: RunDetailJson
  readonly history: readonly HistoryEntryJson[]
  /** The history is longer than what is shown of it. */
  readonly cut: boolean
  readonly timers: readonly TimerJson[]
  readonly explanation: ExplanationJson
  readonly children: ChildrenJson
}

/** A history of so many entries is shown whole; a longer one from its beginning. */
const entriesMax = 20_000
const pageSize = '500'

export function RunPage({ workflow, runId }: { readonly workflow: string; readonly runId: string }): JSX.Element {
  const process = useWorkflow(workflow)
  const story = useResource<RunStory>(
    `${workflow} ${runId}`,
    (ask, signal) => storyOf(ask, workflow, runId, signal),
    (change) => change.workflow === workflow && change.runId === runId,
  )
  return (
    <>
      {story.value.value === undefined ? <h1 class="breaks">Run {runId}</h1> : null}
      <Answer of={story}>
        {({ run, history, cut, timers, explanation, children }) => (
          <>
            <div class="head">
              <h1>{run.foreignId}</h1>
              <StateBadge state={run.state} />
              <span class="mono breaks">{run.status}</span>
            </div>
            <RunActions
              run={run}
              failing={explanation.failures.length > 0}
              moves={process?.nodes.map(({ status }) => status) ?? []}
              onDone={() => void story.reload()}
            />
            <WhyHere explanation={explanation} />
            {process === undefined ? null : (
              <Panel flush>
                <Diagram
                  workflow={process}
                  label={`The way of ${run.foreignId}, now at ${run.status}`}
                  current={run.status}
                  passed={pathTaken(history)}
                />
              </Panel>
            )}
            <div class="columns">
              <div class="stack">
                <Panel title="What happened">
                  <RunTimeline run={run} history={history} timers={timers} failures={explanation.failures} />
                  {cut ? <p class="soft small">The history goes on: its first {entriesMax} entries are shown.</p> : null}
                </Panel>
              </div>
              <div class="stack">
                <Facts run={run} />
                <RunObject key={run.version} run={run} history={history} />
                <Children items={children.items} more={children.more} />
              </div>
            </div>
          </>
        )}
      </Answer>
    </>
  )
}

function WhyHere({ explanation }: { readonly explanation: ExplanationJson }): JSX.Element {
  const { now } = useSite()
  const { waits, lastFailure, workers } = whyOf(explanation, now.value)
  return (
    <Panel title="Why it is here">
      <div class="lines">
        {waits.map((line) => (
          <p key={line} class="breaks">
            {line}
          </p>
        ))}
        {lastFailure === undefined ? null : <p class="bad">{lastFailure}</p>}
        {workers.length === 0 ? null : <p class="soft small breaks">{workers.join(' ')}</p>}
        <details>
          <summary>In full, to pass on</summary>
          <p class="breaks">{explanation.text}</p>
        </details>
      </div>
    </Panel>
  )
}

async function storyOf(ask: Ask, workflow: string, runId: string, signal: AbortSignal): Promise<RunStory> {
  const get = <T,>(...rest: readonly string[]): Promise<T> => ask<T>(workflowPath(workflow, 'runs', runId, ...rest), { signal })
  const [run, history, timers, explanation, children] = await Promise.all([
    get<RunDetailJson>(),
    allPages<HistoryEntryJson>(ask, workflowPath(workflow, 'runs', runId, 'history'), signal),
    allPages<TimerJson>(ask, workflowPath(workflow, 'runs', runId, 'timers'), signal),
    get<ExplanationJson>('explanation'),
    get<ChildrenJson>('children'),
  ])
  return { run, history: history.items, cut: history.cut, timers: timers.items, explanation, children }
}

async function allPages<T>(ask: Ask, path: string, signal: AbortSignal): Promise<{ readonly items: readonly T[]; readonly cut: boolean }> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const parameters = new URLSearchParams({ limit: pageSize, ...(cursor === undefined ? undefined : { cursor }) })
    const page = await ask<{ readonly items: readonly T[]; readonly cursor?: string }>(`${path}?${parameters.toString()}`, { signal })
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined && items.length < entriesMax)
  return { items, cut: cursor !== undefined }
}

function Facts({ run }: { readonly run: RunDetailJson }): JSX.Element {
  const metadata = Object.entries(run.metadata)
  return (
    <Panel title="Facts">
      <dl class="facts">
        <dt>Workflow</dt>
        <dd>
          <Link to={{ page: 'workflow', workflow: run.workflow }}>{run.workflow}</Link>
        </dd>
        <dt>Run id</dt>
        <dd class="mono">{run.runId}</dd>
        <dt>Version</dt>
        <dd>{run.version}</dd>
        <dt>Created</dt>
        <dd>
          {timeText(run.createdAt)} (<Age at={run.createdAt} />)
        </dd>
        <dt>In its status</dt>
        <dd>
          since {timeText(run.enteredAt)} (<Age at={run.enteredAt} />)
        </dd>
        {run.finishedAt === undefined ? null : (
          <>
            <dt>Finished</dt>
            <dd>{timeText(run.finishedAt)}</dd>
          </>
        )}
        {run.parent === undefined ? null : (
          <>
            <dt>Started by</dt>
            <dd>
              <Link to={{ page: 'run', workflow: run.parent.workflow, runId: run.parent.runId }}>
                {run.parent.workflow} at {run.parent.status}
              </Link>
            </dd>
          </>
        )}
        {run.traceparent === undefined ? null : (
          <>
            <dt>Trace</dt>
            <dd class="mono">{run.traceparent}</dd>
          </>
        )}
        {metadata.map(([key, value]) => (
          <MetadataFact key={key} name={key} value={value} />
        ))}
      </dl>
    </Panel>
  )
}

function MetadataFact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <>
      <dt class="mono">{name}</dt>
      <dd>{value}</dd>
    </>
  )
}

function Children({ items, more }: ChildrenJson): JSX.Element | null {
  if (items.length === 0) return null
  return (
    <Panel title="Runs that it has started">
      <ul class="items">
        {items.map((run) => (
          <li key={`${run.workflow} ${run.runId}`}>
            <div class="tl-line">
              <Link to={{ page: 'run', workflow: run.workflow, runId: run.runId }}>{run.foreignId}</Link>
              <StateBadge state={run.state} />
              <span class="soft mono">
                {run.workflow} {run.status}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {more ? <p class="soft small">There are more: the newest of each workflow are shown.</p> : null}
    </Panel>
  )
}
