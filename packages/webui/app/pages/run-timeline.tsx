/** What happened to a run, oldest first, and what is to come. */
import type { JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { FailedAttemptJson, HistoryEntryJson, RunDetailJson, TimerJson } from '../../src/api/run-json.ts'
import { countText, durationText, timeText } from '../data/amount-text.ts'
import { type TimelineItem, timelineOf, timelineWindow } from '../data/run-timeline.ts'
import { Age, stateName } from '../ui/parts.tsx'
import { useSite } from '../ui/site.ts'

export interface RunTimelineProps {
  readonly run: RunDetailJson
  readonly history: readonly HistoryEntryJson[]
  readonly timers: readonly TimerJson[]
  readonly failures: readonly FailedAttemptJson[]
}

export function RunTimeline({ run, history, timers, failures }: RunTimelineProps): JSX.Element {
  const { now } = useSite()
  const end = useSignal<number | undefined>(undefined)
  const items = timelineOf(history, timers, failures, { finished: run.finishedAt !== undefined, nowMs: now.value })
  const window = timelineWindow(items.length, end.value)
  return (
    <div class="stack">
      {window.from === 0 ? null : <Turn text={`What came before: ${countText(window.from)}`} onTurn={() => (end.value = window.from)} />}
      <ol class="timeline">
        {items.slice(window.from, window.to).map((item) => (
          <Item key={keyOf(item)} item={item} />
        ))}
      </ol>
      {window.to === items.length ? null : (
        <Turn text={`What came after: ${countText(items.length - window.to)}`} onTurn={() => (end.value = window.next)} />
      )}
    </div>
  )
}

function Turn({ text, onTurn }: { readonly text: string; readonly onTurn: () => void }): JSX.Element {
  return (
    <div>
      <button type="button" class="button" onClick={onTurn}>
        {text}
      </button>
    </div>
  )
}

function keyOf(item: TimelineItem): string {
  if (item.kind === 'move') return `move ${item.entry.version}`
  if (item.kind === 'failure') return `failure ${item.failure.process} ${item.failure.startedAt} ${item.failure.attempt}`
  return `timer ${item.timer.kind} ${item.timer.name} ${item.timer.version}`
}

function Item({ item }: { readonly item: TimelineItem }): JSX.Element {
  if (item.kind === 'move') return <Move entry={item.entry} stayedMs={item.stayedMs} />
  if (item.kind === 'failure') return <Failure failure={item.failure} at={item.at} />
  return <Timer timer={item.timer} />
}

function Move({ entry, stayedMs }: { readonly entry: HistoryEntryJson; readonly stayedMs: number | undefined }): JSX.Element {
  const { from, to, by, attempt, durationMs, actor, reason, error, instance } = entry
  const moved = from !== undefined && from !== to
  const facts = [
    durationMs === undefined ? undefined : `took ${durationText(durationMs)}`,
    attempt > 1 ? `attempt ${attempt}` : undefined,
    stayedMs === undefined ? undefined : `then ${durationText(stayedMs)} there`,
    `on ${instance}`,
  ].filter((fact) => fact !== undefined)
  return (
    <li>
      <div class="tl-line">
        <strong>{by}</strong>
        <span class="mono">{moved ? `${from} → ${to}` : to}</span>
        {entry.states.map((state) => (
          <span key={state} class="soft">
            {stateName(state)}
          </span>
        ))}
        <Moment at={entry.at} />
      </div>
      <p class="soft small">{facts.join(' · ')}</p>
      {reason === undefined ? null : (
        <p class="breaks">
          {actor === undefined ? '' : `${actor}: `}
          {reason}
        </p>
      )}
      {error === undefined ? null : <ErrorText error={error} />}
    </li>
  )
}

function Failure({ failure, at }: { readonly failure: FailedAttemptJson; readonly at: string }): JSX.Element {
  return (
    <li class="tl-failure">
      <div class="tl-line">
        <strong class="bad">failed attempt {failure.attempt}</strong>
        <span class="mono">{failure.process}</span>
        <Moment at={at} />
      </div>
      <p class="soft small">{`took ${durationText(failure.durationMs)} · on ${failure.instance}`}</p>
      <ErrorText error={failure} />
    </li>
  )
}

function Timer({ timer }: { readonly timer: TimerJson }): JSX.Element {
  return (
    <li class="tl-timer">
      <div class="tl-line">
        <strong>{timer.kind}</strong>
        <span class="mono breaks">{timer.name}</span>
        <span class="soft">{timer.state === 'held' ? 'held while it is paused' : 'to come'}</span>
        <Moment at={timer.at} />
      </div>
    </li>
  )
}

function Moment({ at }: { readonly at: string }): JSX.Element {
  return (
    <span class="soft small">
      {timeText(at)} (<Age at={at} />)
    </span>
  )
}

type ErrorLike = Pick<FailedAttemptJson, 'name' | 'message'> & { readonly code?: string | undefined; readonly stack?: string | undefined }

function ErrorText({ error: { name, message, code, stack } }: { readonly error: ErrorLike }): JSX.Element {
  return (
    <div>
      <p class="bad">{`${name}${code === undefined || code === name ? '' : ` (${code})`}: ${message}`}</p>
      {stack === undefined ? null : (
        <details>
          <summary>Stack</summary>
          <pre class="stack-trace" tabIndex={0}>
            {stack}
          </pre>
        </details>
      )}
    </div>
  )
}
