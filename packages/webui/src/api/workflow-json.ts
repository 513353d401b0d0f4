/** What the API says of workflows as a whole: see run-json.ts. Paths are below `/api/v1`. */
import { array, boolean, description, type InferOutput, number, object, optional, picklist, pipe, record, string } from 'valibot'
import { count, exitKind, lagJson, ms, runJson, time } from './run-json.ts'

/** `act`: pause, resume, cancel, retry, move. `delete`: delete a run's data. */
export const permission = picklist(['view', 'act', 'delete'])
export type Permission = InferOutput<typeof permission>

/** The process as data, in the order of the contract. */
export const workflowJson = object({
  name: string(),
  nodes: array(object({ status: string(), exits: array(exitKind) })),
  starts: array(string()),
  terminals: array(string()),
  transitions: array(object({ from: string(), to: string(), kind: exitKind })),
})
export type WorkflowJson = InferOutput<typeof workflowJson>

/** `GET /session`: who asks, and what there is. */
export const sessionJson = object({
  actor: string(),
  permissions: array(permission),
  readOnly: boolean(),
  workflows: array(workflowJson),
})
export type SessionJson = InferOutput<typeof sessionJson>

const states = pipe(
  object({
    Initiated: optional(count),
    Running: optional(count),
    Paused: optional(count),
    Completed: optional(count),
    Cancelled: optional(count),
    RequestedDataDeleted: optional(count),
    DataDeleted: optional(count),
  }),
  description(
    'runs per run state, without the zeros; absent while a store with very many runs is still counting them: ask again in a second',
  ),
)

const counting = pipe(boolean(), description('true while a store with very many runs counts them: what is absent is there in some seconds'))
const perMinute = array(count)
export const heardJson = object({ since: time, completed: perMinute, cancelled: perMinute, paused: perMinute })
export type HeardJson = InferOutput<typeof heardJson>

export const workflowOverviewJson = object({
  name: string(),
  health: object({ up: boolean(), since: optional(time), message: optional(string()) }),
  byState: optional(states),
  counting: optional(counting),
  created: optional(
    pipe(
      array(count),
      description('runs created per minute, this minute last: of the last 30 minutes, or of as many as the newest runs tell'),
    ),
  ),
  heard: optional(
    pipe(
      heardJson,
      description(
        'runs that ended or paused in each minute since the server follows this workflow, 30 minutes at most, oldest first; absent while nobody reads /changes',
      ),
    ),
  ),
  needsPerson: optional(pipe(array(runJson), description('paused and not resumed by the engine, the newest, up to 10'))),
  lag: optional(array(lagJson)),
})
export type WorkflowOverviewJson = InferOutput<typeof workflowOverviewJson>

/** `GET /overview`: all workflows at a glance; what a store does not answer is left out. Kept for two seconds; its counts are up to two minutes old where a store is slow. */
export const overviewJson = object({ at: time, workflows: array(workflowOverviewJson) })
export type OverviewJson = InferOutput<typeof overviewJson>

/** `GET /workflows/{workflow}`. Kept for two seconds; its counts are up to two minutes old where a store is slow. */
export const workflowDetailJson = object({
  ...workflowJson.entries,
  byState: optional(states),
  counting: optional(counting),
  byStatus: optional(pipe(record(string(), count), description('unfinished runs per status; absent while they are still being counted'))),
  oldest: optional(
    pipe(
      record(string(), runJson),
      description('per status with unfinished runs, the one that was created first; absent as long as `byStatus` is'),
    ),
  ),
  lag: array(lagJson),
})
export type WorkflowDetailJson = InferOutput<typeof workflowDetailJson>

const percentiles = object({ count, p50: ms, p90: ms, p99: ms, max: ms })
export type PercentilesJson = InferOutput<typeof percentiles>

/** `GET /workflows/{workflow}/analytics`. Kept for thirty seconds. */
export const analyticsJson = object({
  at: time,
  sample: pipe(
    object({ runs: count, limit: count, from: optional(time), to: optional(time) }),
    description('what the figures are from: the newest finished runs, and when they were created'),
  ),
  completed: count,
  cancelled: count,
  failed: pipe(count, description('runs with at least one failed attempt that is kept')),
  latencyMs: pipe(percentiles, description('from creation to end')),
  throughput: object({ bucketMs: ms, from: time, finished: array(count) }),
  statuses: array(
    object({
      status: string(),
      timeMs: pipe(percentiles, description('from entering to leaving')),
      handlerMs: pipe(percentiles, description('of the handlers that left it')),
      failedAttempts: number(),
    }),
  ),
})
export type AnalyticsJson = InferOutput<typeof analyticsJson>
