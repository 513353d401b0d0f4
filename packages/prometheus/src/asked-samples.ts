/** Turns what workflows answered into the samples of a scrape: each combination of labels once, whatever was answered. */
import { runStates } from '@workflow/core/adapter'
import type { Reading, SharedReading } from './attachment.ts'
import type { AskedName } from './metric-list.ts'
import type { Sample } from './metric.ts'

/** The samples of each asked metric. */
export type AskedSamples = ReadonlyMap<AskedName, Sample[]>

/** What one workflow answered: each of its instances here for itself, one of them for all. */
export interface WorkflowReading {
  readonly workflowName: string
  readonly instances: readonly Reading[]
  readonly shared: SharedReading
}

type State = NonNullable<Reading['states']>[number]['state']

/** As in the reference. */
const stateValues: Readonly<Record<State, number>> = { shutdown: 1, running: 2, idle: 3 }
/** Of several instances of a workflow, the one that is more awake speaks for a process. */
const wakefulness: Readonly<Record<State, number>> = { shutdown: 0, idle: 1, running: 2 }

export function askedSamples(workflows: readonly WorkflowReading[]): AskedSamples {
  const samples = new Map<AskedName, Sample[]>()
  for (const workflow of workflows) {
    const add = (name: AskedName, value: number, labels: Readonly<Record<string, string>> = {}): void => {
      if (!Number.isFinite(value)) return
      const sample = { labels: { workflow_name: workflow.workflowName, ...labels }, value }
      const list = samples.get(name)
      if (list === undefined) samples.set(name, [sample])
      else list.push(sample)
    }
    addStates(workflow, add)
    addSlots(workflow, add)
    addReceivers(workflow.shared, add)
    addRuns(workflow.shared, add)
  }
  return samples
}

type Add = (name: AskedName, value: number, labels?: Readonly<Record<string, string>>) => void

function addStates({ instances }: WorkflowReading, add: Add): void {
  const states = new Map<string, State>()
  for (const { name, state } of instances.flatMap((instance) => instance.states ?? [])) {
    const other = states.get(name)
    if (other === undefined || wakefulness[state] > wakefulness[other]) states.set(name, state)
  }
  for (const [name, state] of states) add('workflow_process_states', stateValues[state], { process_name: name })
}

function addSlots({ instances }: WorkflowReading, add: Add): void {
  const slots = instances.flatMap((instance) => instance.slots ?? [])
  const inHand = instances.flatMap((instance) => instance.inHand ?? [])
  if (slots.length > 0) {
    add('workflow_slots', Math.max(...slots.map(({ total }) => total)))
    add('workflow_slots_held', sum(slots.map(({ held }) => held)))
  }
  if (inHand.length > 0) {
    add('workflow_events_in_hand', sum(inHand.map(({ events }) => events)))
    add('workflow_events_in_hand_limit', sum(inHand.map(({ limit }) => limit)))
  }
}

function addReceivers({ receivers = [], now }: SharedReading, add: Add): void {
  for (const [name, { events, oldest }] of new Map(receivers.map((receiver) => [receiver.name, receiver]))) {
    const labels = { receiver_name: name }
    add('workflow_receiver_lag_events', events, labels)
    if (events === 0) add('workflow_receiver_lag_seconds', 0, labels)
    // The clock of whoever sent it may be ahead of ours.
    else if (oldest !== undefined) add('workflow_receiver_lag_seconds', Math.max(0, now - oldest.getTime()) / 1_000, labels)
  }
}

function addRuns({ runs }: SharedReading, add: Add): void {
  // All of them, also those that nobody is in: an alert may then compare instead of ask whether there is something.
  if (runs !== undefined) for (const state of runStates) add('workflow_runs', runs.get(state) ?? 0, { run_state: state })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
