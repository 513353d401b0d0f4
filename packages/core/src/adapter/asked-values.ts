/** Turns what a workflow answered into values of metrics: each combination of labels once, whatever was answered. */
import { runStates } from '../model/run-state.ts'
import type { InstanceReading, WorkflowReading } from './observed-workflows.ts'
import type { AskedMetricName } from './metric-list.ts'

/** A value of one of `askedMetrics`. */
export interface AskedValue {
  readonly name: AskedMetricName
  /** Finite. */
  readonly value: number
  readonly labels: Readonly<Record<string, string>>
}

type State = NonNullable<InstanceReading['states']>[number]['state']
type Add = (name: AskedMetricName, value: number, labels?: Readonly<Record<string, string>>) => void

/** As in the reference. */
const stateValues: Readonly<Record<State, number>> = Object.freeze({ shutdown: 1, running: 2, idle: 3 })
/** Of several instances of a workflow, the one that is more awake speaks for a process. */
const wakefulness: Readonly<Record<State, number>> = { shutdown: 0, idle: 1, running: 2 }

/** The values that a reading has an answer for. */
export function askedValues(reading: WorkflowReading): readonly AskedValue[] {
  const values: AskedValue[] = []
  const add: Add = (name, value, labels = {}) => {
    if (Number.isFinite(value)) values.push({ name, value, labels: { workflow_name: reading.workflowName, ...labels } })
  }
  addStates(reading, add)
  addSlots(reading, add)
  addReceivers(reading, add)
  addRuns(reading, add)
  return values
}

/** What a metric says of a workflow that has stopped here, to whoever has to go on saying something. */
export function stoppedValue(name: AskedMetricName): number {
  return name === 'workflow_process_states' ? stateValues.shutdown : 0
}

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

function addReceivers({ receivers = [], now }: WorkflowReading, add: Add): void {
  for (const [name, { events, oldest }] of new Map(receivers.map((receiver) => [receiver.name, receiver]))) {
    const labels = { receiver_name: name }
    add('workflow_receiver_lag_events', events, labels)
    if (events === 0) add('workflow_receiver_lag_seconds', 0, labels)
    // The clock of whoever sent it may be ahead of ours.
    else if (oldest !== undefined) add('workflow_receiver_lag_seconds', Math.max(0, now - oldest.getTime()) / 1_000, labels)
  }
}

function addRuns({ runs }: WorkflowReading, add: Add): void {
  // All of them, also those that nobody is in: an alert may then compare instead of ask whether there is something.
  if (runs !== undefined) for (const state of runStates) add('workflow_runs', runs.get(state) ?? 0, { run_state: state })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}
