/**
 * Every instrument. They are called as they are called in Prometheus, so that whatever a collector makes of them goes by the
 * names of `@workflow/prometheus`.
 */
export interface MetricSpec {
  readonly name: string
  readonly description: string
  readonly unit?: string
}

export interface HistogramSpec extends MetricSpec {
  readonly buckets: readonly number[]
}

export const counterList: readonly MetricSpec[] = [
  { name: 'workflow_process_error_count', description: 'Attempts of a process that failed.' },
  { name: 'workflow_process_skipped_events_count', description: 'Events that needed nothing done, by the reason for that.' },
  { name: 'workflow_run_state_changes', description: 'Moves of runs from one run state to another; a new run comes from none.' },
]

export const gaugeList: readonly MetricSpec[] = [
  { name: 'workflow_process_lag_seconds', description: 'How old the last event of a process was when its turn came.', unit: 's' },
  { name: 'workflow_process_lag_alert', description: 'Whether the last event of a process was older than its lagAlert: 1 or 0.' },
]

const attempts = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const calls = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const histogramList: readonly HistogramSpec[] = [
  { name: 'workflow_process_latency_seconds', description: 'How long one attempt of a process took.', unit: 's', buckets: attempts },
  { name: 'workflow_store_seconds', description: 'How long a call of the record store took.', unit: 's', buckets: calls },
  { name: 'workflow_streamer_seconds', description: 'How long a call of the event streamer took.', unit: 's', buckets: calls },
]

/** What is asked for at a collection instead of being told. */
export type AskedName =
  | 'workflow_process_states'
  | 'workflow_slots'
  | 'workflow_slots_held'
  | 'workflow_events_in_hand'
  | 'workflow_events_in_hand_limit'
  | 'workflow_receiver_lag_events'
  | 'workflow_receiver_lag_seconds'
  | 'workflow_runs'

export const askedList: readonly (MetricSpec & { readonly name: AskedName })[] = [
  { name: 'workflow_process_states', description: 'What a process is at: 1 shut down, 2 running, 3 idle.' },
  { name: 'workflow_slots', description: 'Slots of a workflow.' },
  { name: 'workflow_slots_held', description: 'Slots of a workflow that this instance holds.' },
  { name: 'workflow_events_in_hand', description: 'Events that this instance has in hand.' },
  { name: 'workflow_events_in_hand_limit', description: 'Events that this instance has in hand at most.' },
  { name: 'workflow_receiver_lag_events', description: 'Events that a receiver has not acknowledged, over all instances.' },
  {
    name: 'workflow_receiver_lag_seconds',
    description: 'Age of the oldest event that a receiver has not acknowledged, over all instances.',
    unit: 's',
  },
  { name: 'workflow_runs', description: 'Stored runs by run state, over all instances.' },
]
