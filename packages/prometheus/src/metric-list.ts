/**
 * Every metric, with the labels that it may have. Nothing else is ever exported, and each label's values come from the
 * definition or from a closed set: how many series there can be is known before anything runs.
 */

/** How prom-client puts values of several processes of a Node cluster together. */
export type Aggregator = 'sum' | 'max' | 'min'

export interface MetricSpec {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly aggregator: Aggregator
}

/** A histogram says which of the two lists of buckets it takes. */
export interface HistogramSpec extends MetricSpec {
  readonly buckets: 'handler' | 'call'
}

/** What is asked for at a scrape instead of being told. */
export type AskedName =
  | 'workflow_process_states'
  | 'workflow_slots'
  | 'workflow_slots_held'
  | 'workflow_events_in_hand'
  | 'workflow_events_in_hand_limit'
  | 'workflow_receiver_lag_events'
  | 'workflow_receiver_lag_seconds'
  | 'workflow_runs'

export interface AskedSpec extends MetricSpec {
  readonly name: AskedName
}

const process = ['workflow_name', 'process_name'] as const

/** Told by the engine: what only goes up. */
export const counterList: readonly MetricSpec[] = [
  {
    name: 'workflow_process_error_count',
    help: 'Attempts of a process that failed.',
    labels: process,
    aggregator: 'sum',
  },
  {
    name: 'workflow_process_skipped_events_count',
    help: 'Events that needed nothing done, by the reason for that.',
    labels: [...process, 'reason'],
    aggregator: 'sum',
  },
  {
    name: 'workflow_run_state_changes',
    help: 'Moves of runs from one run state to another, by the process that moved them; a new run comes from none.',
    labels: [...process, 'previous_run_state', 'current_run_state'],
    aggregator: 'sum',
  },
]

/** Told by the engine: what goes up and down. */
export const gaugeList: readonly MetricSpec[] = [
  {
    name: 'workflow_process_lag_seconds',
    help: 'How old the last event of a process was when its turn came.',
    labels: process,
    aggregator: 'max',
  },
  {
    name: 'workflow_process_lag_alert',
    help: 'Whether the last event of a process was older than its lagAlert: 1 or 0.',
    labels: process,
    aggregator: 'max',
  },
]

/** Told by the engine: durations in seconds. */
export const histogramList: readonly HistogramSpec[] = [
  {
    name: 'workflow_process_latency_seconds',
    help: 'How long one attempt of a process took.',
    labels: process,
    aggregator: 'sum',
    buckets: 'handler',
  },
  {
    name: 'workflow_store_seconds',
    help: 'How long a call of the record store took.',
    labels: ['workflow_name', 'operation'],
    aggregator: 'sum',
    buckets: 'call',
  },
  {
    name: 'workflow_streamer_seconds',
    help: 'How long a call of the event streamer took.',
    labels: ['workflow_name', 'operation'],
    aggregator: 'sum',
    buckets: 'call',
  },
]

/** Asked at each scrape. */
export const askedList: readonly AskedSpec[] = [
  {
    name: 'workflow_process_states',
    help: 'What a process is at: 1 shut down, 2 running, 3 idle.',
    labels: process,
    aggregator: 'min',
  },
  { name: 'workflow_slots', help: 'Slots of a workflow.', labels: ['workflow_name'], aggregator: 'max' },
  { name: 'workflow_slots_held', help: 'Slots of a workflow that this instance holds.', labels: ['workflow_name'], aggregator: 'sum' },
  {
    name: 'workflow_events_in_hand',
    help: 'Work that this instance has in hand: events of the stream, and runs that it has handed on to itself.',
    labels: ['workflow_name'],
    aggregator: 'sum',
  },
  {
    name: 'workflow_events_in_hand_limit',
    help: 'Events that this instance has in hand at most.',
    labels: ['workflow_name'],
    aggregator: 'sum',
  },
  {
    name: 'workflow_receiver_lag_events',
    help: 'Events that a receiver has not acknowledged, over all instances.',
    labels: ['workflow_name', 'receiver_name'],
    aggregator: 'max',
  },
  {
    name: 'workflow_receiver_lag_seconds',
    help: 'Age of the oldest event that a receiver has not acknowledged, over all instances; 0 if there is none.',
    labels: ['workflow_name', 'receiver_name'],
    aggregator: 'max',
  },
  {
    name: 'workflow_runs',
    help: 'Stored runs by run state, over all instances.',
    labels: ['workflow_name', 'run_state'],
    aggregator: 'max',
  },
]

/** Kept by this package itself. */
export const missingAnswers: MetricSpec = {
  name: 'workflow_scrape_error_count',
  help: 'Questions of a scrape that had no answer in time, so that their metrics were left out.',
  labels: ['workflow_name', 'question'],
  aggregator: 'sum',
}

/** What a scrape asks a workflow. */
export type Question = 'states' | 'slots' | 'in_hand' | 'receivers' | 'runs'
export const questions: readonly Question[] = ['states', 'slots', 'in_hand', 'receivers', 'runs']
