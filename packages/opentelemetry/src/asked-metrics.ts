import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api'
import type { Observed } from '@workflow/core'
import { runStates } from '@workflow/core/adapter'
import { askedList, type AskedName } from './metric-list.ts'

interface Attachment {
  readonly observed: Observed
  readonly queries: boolean
}

type Observe = (name: AskedName, value: number, labels?: Readonly<Record<string, string>>) => void
type State = ReturnType<Observed['states']>[number]['state']

/** As in the reference. */
const stateValues: Readonly<Record<State, number>> = { shutdown: 1, running: 2, idle: 3 }
/** Of several instances of a workflow, the one that is more awake speaks for a process. */
const wakefulness: Readonly<Record<State, number>> = { shutdown: 0, idle: 1, running: 2 }

/** What was last said of a workflow, by metric and labels. */
type Said = Map<string, { readonly name: AskedName; readonly labels: Readonly<Record<string, string>> }>

/**
 * What the workflows that run in this process are asked whenever the SDK collects. What has no answer is left out. Of a
 * workflow that has stopped here everything is 0, because an SDK shows the last value of a gauge for ever.
 */
export class AskedMetrics {
  readonly #attached = new Set<Attachment>()
  readonly #said = new Map<string, Said>()

  constructor(meter: Meter) {
    const gauges = new Map<AskedName, ObservableGauge>(
      askedList.map(({ name, ...options }) => [name, meter.createObservableGauge(name, options)]),
    )
    meter.addBatchObservableCallback((result) => this.#collect(gauges, result), [...gauges.values()])
  }

  attach(observed: Observed, queries: boolean): Disposable {
    const attachment = { observed, queries }
    this.#attached.add(attachment)
    return { [Symbol.dispose]: () => void this.#attached.delete(attachment) }
  }

  has(workflowName: string): boolean {
    return [...this.#attached].some(({ observed }) => observed.workflowName === workflowName)
  }

  #saidOf(workflowName: string): Said {
    let said = this.#said.get(workflowName)
    if (said === undefined) this.#said.set(workflowName, (said = new Map()))
    return said
  }

  async #collect(gauges: ReadonlyMap<AskedName, ObservableGauge>, result: BatchObservableResult): Promise<void> {
    const workflows = Map.groupBy(this.#attached, ({ observed }) => observed.workflowName)
    const tell = (workflowName: string, name: AskedName, value: number, labels: Readonly<Record<string, string>>): void => {
      const gauge = gauges.get(name)
      if (gauge !== undefined && Number.isFinite(value)) result.observe(gauge, value, { workflow_name: workflowName, ...labels })
    }
    for (const [workflowName, said] of this.#said) {
      if (workflows.has(workflowName)) continue
      for (const { name, labels } of said.values())
        tell(workflowName, name, name === 'workflow_process_states' ? stateValues.shutdown : 0, labels)
    }
    await Promise.all(
      [...workflows].map(async ([workflowName, attachments]) => {
        const said = this.#saidOf(workflowName)
        const observe: Observe = (name, value, labels = {}) => {
          tell(workflowName, name, value, labels)
          said.set(`${name} ${Object.values(labels).join()}`, { name, labels })
        }
        ofInstances(
          attachments.map(({ observed }) => observed),
          observe,
        )
        // What concerns all instances is asked of one.
        const asked = attachments.find(({ queries }) => queries)?.observed
        if (asked !== undefined) await Promise.all([ofReceivers(asked, observe), ofRuns(asked, observe)])
      }),
    )
  }
}

function ofInstances(instances: readonly Observed[], observe: Observe): void {
  const states = new Map<string, State>()
  for (const { name, state } of instances.flatMap((instance) => instance.states())) {
    const other = states.get(name)
    if (other === undefined || wakefulness[state] > wakefulness[other]) states.set(name, state)
  }
  for (const [name, state] of states) observe('workflow_process_states', stateValues[state], { process_name: name })
  const slots = instances.map((instance) => instance.slots())
  const inFlight = instances.map((instance) => instance.inFlight())
  observe('workflow_slots', Math.max(...slots.map(({ total }) => total)))
  observe('workflow_slots_held', sum(slots.map(({ held }) => held)))
  observe('workflow_events_in_hand', sum(inFlight.map(({ events }) => events)))
  observe('workflow_events_in_hand_limit', sum(inFlight.map(({ limit }) => limit)))
}

async function ofReceivers(observed: Observed, observe: Observe): Promise<void> {
  const receivers = await observed.receivers().catch(() => [])
  for (const { name, events, oldest } of receivers) {
    const labels = { receiver_name: name }
    observe('workflow_receiver_lag_events', events, labels)
    // The clock of whoever sent it may be ahead of ours.
    const ageMs = events === 0 || oldest === undefined ? 0 : Math.max(0, Date.now() - oldest.getTime())
    if (events === 0 || oldest !== undefined) observe('workflow_receiver_lag_seconds', ageMs / 1_000, labels)
  }
}

async function ofRuns(observed: Observed, observe: Observe): Promise<void> {
  const runs = await observed.runs().catch(() => undefined)
  if (runs !== undefined) for (const state of runStates) observe('workflow_runs', runs.get(state) ?? 0, { run_state: state })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
