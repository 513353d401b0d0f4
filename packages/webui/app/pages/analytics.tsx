/** How a workflow does: from its newest finished runs, and it says how many they are. */
import type { ComponentChildren, JSX } from 'preact'
import type { AnalyticsJson, PercentilesJson } from '../../src/api/workflow-json.ts'
import { counted, countText, durationText, shareText, timeText } from '../data/amount-text.ts'
import { workflowPath } from '../data/api-client.ts'
import { Answer, Bars, Empty, Panel } from '../ui/parts.tsx'
import { useResource } from '../ui/use-resource.ts'
import { WorkflowPicker } from '../ui/workflow-picker.tsx'

export function AnalyticsPage({ workflow }: { readonly workflow: string }): JSX.Element {
  const analytics = useResource<AnalyticsJson>(
    workflow,
    (ask, signal) => ask(workflowPath(workflow, 'analytics'), { signal }),
    (change) => change.workflow === workflow && (change.state === 'Completed' || change.state === 'Cancelled'),
  )
  return (
    <>
      <div class="head">
        <h1>Analytics of {workflow}</h1>
        <div class="head-end">
          <WorkflowPicker page="analytics" workflow={workflow} />
        </div>
      </div>
      <Answer of={analytics}>{(value) => (value.sample.runs === 0 ? <Nothing /> : <Figures value={value} />)}</Answer>
    </>
  )
}

function Nothing(): JSX.Element {
  return (
    <Panel>
      <Empty>No run has finished yet: there is nothing to measure.</Empty>
    </Panel>
  )
}

function Figures({ value }: { readonly value: AnalyticsJson }): JSX.Element {
  const { sample, completed, cancelled, failed, latencyMs, throughput } = value
  const span =
    sample.from === undefined || sample.to === undefined ? '' : `, created from ${timeText(sample.from)} to ${timeText(sample.to)}`
  return (
    <>
      <p class="soft">{`From the newest ${counted(sample.runs, 'finished run')}${span}.`}</p>
      <div class="grid">
        <Panel title="Finished">
          <Bars counts={throughput.finished} label={`Runs finished, per ${durationText(throughput.bucketMs)}`} />
          <p class="soft small">{`Per ${durationText(throughput.bucketMs)} since ${timeText(throughput.from)}`}</p>
        </Panel>
        <Panel title="How they ended">
          <div class="counts">
            <Figure name="Completed">{countText(completed)}</Figure>
            <Figure name="Cancelled">{countText(cancelled)}</Figure>
            <Figure name="Had a failed attempt">{shareText(failed, sample.runs)}</Figure>
          </div>
        </Panel>
        <Panel title="From creation to end">
          <Percentiles of={latencyMs} />
        </Panel>
      </div>
      <StatusTimes statuses={value.statuses} />
    </>
  )
}

function Figure({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <span class="count">{children}</span>
      <span class="soft">{name}</span>
    </div>
  )
}

function Percentiles({ of }: { readonly of: PercentilesJson }): JSX.Element {
  if (of.count === 0) return <p class="soft">Nothing to measure yet.</p>
  return (
    <div class="counts">
      <Figure name="50 %">{durationText(of.p50)}</Figure>
      <Figure name="90 %">{durationText(of.p90)}</Figure>
      <Figure name="99 %">{durationText(of.p99)}</Figure>
    </div>
  )
}

function StatusTimes({ statuses }: { readonly statuses: AnalyticsJson['statuses'] }): JSX.Element {
  const longest = Math.max(1, ...statuses.map(({ timeMs }) => timeMs.p90))
  return (
    <Panel title="Time per status">
      <div class="scrolls" tabIndex={0} role="group" aria-label="Time per status">
        <table>
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">In it, 90 %</th>
              {['In it, 50 %', 'In it, 90 %', 'In it, 99 %', 'Handler, 50 %', 'Handler, 99 %', 'Failed attempts'].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {statuses.map(({ status, timeMs, handlerMs, failedAttempts }) => (
              <tr key={status}>
                <td class="mono breaks">{status}</td>
                <td>
                  <svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect width={100} height={8} class="share-all" />
                    <rect width={(100 * timeMs.p90) / longest} height={8} class="share-part" />
                  </svg>
                </td>
                {[timeMs.p50, timeMs.p90, timeMs.p99].map((ms, i) => (
                  <td key={i} class="number">
                    {timeMs.count === 0 ? '–' : durationText(ms)}
                  </td>
                ))}
                {[handlerMs.p50, handlerMs.p99].map((ms, i) => (
                  <td key={i} class="number">
                    {handlerMs.count === 0 ? '–' : durationText(ms)}
                  </td>
                ))}
                <td class="number">{countText(failedAttempts)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}
