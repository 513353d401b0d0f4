/**
 * Every metric, under the name and with the labels that it has wherever it is shown. Nothing else is ever exported, and each
 * label's values come from the definition or from a closed set: how many series there can be is known before anything runs.
 */
import { runStates } from '../model/run-state.ts'

/** What a metric says, to whoever keeps it and whoever reads it. */
export interface MetricSpec {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** One sentence, shown beside the values. */
  readonly description: string
  /** Absent for what is counted. */
  readonly unit?: 's'
  readonly labels: readonly string[]
  /** Of what the values are: of the process that says them, or of the workflow over all instances, the same whoever is asked. */
  readonly of: 'instance' | 'workflow'
  /** How the values of several processes of a Node cluster are put together. */
  readonly together: 'sum' | 'max' | 'min'
}

/** A histogram, with what it counts in by default: upper bounds in seconds, ascending. */
export interface HistogramSpec extends MetricSpec {
  readonly kind: 'histogram'
  readonly buckets: readonly number[]
}

/** What is asked for at intervals instead of being told. */
export type AskedMetricName =
  | 'workflow_process_states'
  | 'workflow_slots'
  | 'workflow_slots_held'
  | 'workflow_events_in_hand'
  | 'workflow_events_in_hand_limit'
  | 'workflow_receiver_lag_events'
  | 'workflow_receiver_lag_seconds'
  | 'workflow_runs'

export interface AskedMetricSpec extends MetricSpec {
  readonly name: AskedMetricName
}

const ofProcess = ['workflow_name', 'process_name'] as const
const ofOperation = ['workflow_name', 'operation'] as const

/** Upper bounds, in seconds, for attempts of handlers: those of the reference, and finer ones. */
export const attemptBuckets: readonly number[] = Object.freeze([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
])
/** The same for calls of the store and the streamer. */
export const callBuckets: readonly number[] = Object.freeze([
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
])

/** Told by the engine through `count`: what only goes up. */
export const counterMetrics: readonly MetricSpec[] = Object.freeze([
  {
    name: 'workflow_process_error_count',
    kind: 'counter',
    description: 'Attempts of a process that failed, and failures of its work in the background.',
    labels: ofProcess,
    of: 'instance',
    together: 'sum',
  },
  {
    name: 'workflow_process_skipped_events_count',
    kind: 'counter',
    description: 'Events that needed nothing done, by the reason for that; most are duplicates of what was handed on already.',
    labels: [...ofProcess, 'reason'],
    of: 'instance',
    together: 'sum',
  },
  {
    name: 'workflow_run_state_changes',
    kind: 'counter',
    description: 'Moves of runs from one run state to another, by the process that moved them; a new run comes from none.',
    labels: [...ofProcess, 'previous_run_state', 'current_run_state'],
    of: 'instance',
    together: 'sum',
  },
])

/** Told by the engine through `gauge`: what goes up and down. */
export const gaugeMetrics: readonly MetricSpec[] = Object.freeze([
  {
    name: 'workflow_process_lag_seconds',
    kind: 'gauge',
    description: 'How old the last event of a process was when its turn came; 0 once nothing is in hand any more.',
    unit: 's',
    labels: ofProcess,
    of: 'instance',
    together: 'max',
  },
  {
    name: 'workflow_process_lag_alert',
    kind: 'gauge',
    description: 'Whether the lag of a process is above its lagAlert: 1 or 0.',
    labels: ofProcess,
    of: 'instance',
    together: 'max',
  },
])

/** Told by the engine through `observe`: durations in seconds. */
export const histogramMetrics: readonly HistogramSpec[] = Object.freeze([
  {
    name: 'workflow_process_latency_seconds',
    kind: 'histogram',
    description: 'How long one attempt of a handler took, without the commit after it.',
    unit: 's',
    labels: ofProcess,
    of: 'instance',
    together: 'sum',
    buckets: attemptBuckets,
  },
  {
    name: 'workflow_store_seconds',
    kind: 'histogram',
    description: 'How long a call of the record store took; of calls of one kind at the same time sixteen are measured.',
    unit: 's',
    labels: ofOperation,
    of: 'instance',
    together: 'sum',
    buckets: callBuckets,
  },
  {
    name: 'workflow_streamer_seconds',
    kind: 'histogram',
    description: 'How long a call of the event streamer took; of calls of one kind at the same time sixteen are measured.',
    unit: 's',
    labels: ofOperation,
    of: 'instance',
    together: 'sum',
    buckets: callBuckets,
  },
])

/** Asked of the workflows that run, by `ObservedWorkflows`. */
export const askedMetrics: readonly AskedMetricSpec[] = Object.freeze([
  {
    name: 'workflow_process_states',
    kind: 'gauge',
    description: 'What a process is at: 1 shut down, 2 running, 3 idle.',
    labels: ofProcess,
    of: 'instance',
    together: 'min',
  },
  {
    name: 'workflow_slots',
    kind: 'gauge',
    description: 'How many slots the workflow has.',
    labels: ['workflow_name'],
    of: 'workflow',
    together: 'max',
  },
  {
    name: 'workflow_slots_held',
    kind: 'gauge',
    description: 'Slots of the workflow that this process holds.',
    labels: ['workflow_name'],
    of: 'instance',
    together: 'sum',
  },
  {
    name: 'workflow_events_in_hand',
    kind: 'gauge',
    description: 'Work in hand: events taken from the stream, and runs that were handed on without it.',
    labels: ['workflow_name'],
    of: 'instance',
    together: 'sum',
  },
  {
    name: 'workflow_events_in_hand_limit',
    kind: 'gauge',
    description: 'How much may be in hand: maxInFlight of each instance.',
    labels: ['workflow_name'],
    of: 'instance',
    together: 'sum',
  },
  {
    name: 'workflow_receiver_lag_events',
    kind: 'gauge',
    description: 'Events that a receiver has not acknowledged, those in hand included.',
    labels: ['workflow_name', 'receiver_name'],
    of: 'workflow',
    together: 'max',
  },
  {
    name: 'workflow_receiver_lag_seconds',
    kind: 'gauge',
    description: 'Age of the oldest event that a receiver has not acknowledged; 0 if there is none.',
    unit: 's',
    labels: ['workflow_name', 'receiver_name'],
    of: 'workflow',
    together: 'max',
  },
  {
    name: 'workflow_runs',
    kind: 'gauge',
    description: `Runs in the store, finished ones until they are purged, by run state: ${runStates.join(', ')}.`,
    labels: ['workflow_name', 'run_state'],
    of: 'workflow',
    together: 'max',
  },
])

/** Kept by whoever asks. */
export const missingAnswers: MetricSpec = Object.freeze({
  name: 'workflow_scrape_error_count',
  kind: 'counter',
  description: 'Questions to a workflow that had no answer in time, so that the metrics made of it are missing or old.',
  labels: ['workflow_name', 'question'],
  of: 'instance',
  together: 'sum',
})

/** All of them. */
export const metricList: readonly MetricSpec[] = Object.freeze([
  ...counterMetrics,
  ...gaugeMetrics,
  ...histogramMetrics,
  ...askedMetrics,
  missingAnswers,
])
