import type { DefinitionModel } from '../model/definition.ts'
import type { TimerOp } from '../model/timer.ts'
import type { EngineContext } from './engine-context.ts'
import type { Executions } from './execution.ts'
import type { Lanes } from './lanes.ts'
import type { Process } from './process.ts'
import type { RunTask } from './run-task.ts'
import type { Slots } from './slots.ts'
import type { Solitude } from './solitude.ts'

/** What the parts of a worker share besides the engine's context. */
export interface WorkerContext extends EngineContext {
  readonly definition: DefinitionModel
  readonly lanes: Lanes<RunTask>
  readonly slotKeeper: Slots
  readonly executions: Executions
  readonly solitude: Solitude
  /** By name; complete before anything runs. */
  readonly processes: ReadonlyMap<string, Process>
  readonly retryInPlaceMs: number
  /** Infinity = never. */
  readonly autoResumeMs: number
  /** Aborts when the workflow stops taking work. */
  readonly stopping: AbortSignal
  /** Tells the poller what was done to timers, so that it knows if one is due earlier than it thinks. */
  readonly timersChanged: (ops: readonly TimerOp[]) => void
}

export const processNames = {
  step: (status: string): string => `step ${status}`,
  callback: (status: string): string => `callback ${status}`,
  timeout: (status: string, name: string): string => `timeout ${escaped(status)}/${escaped(name)}`,
  deletion: 'data deletion',
  join: (status: string): string => `join ${status}`,
  hook: (kind: string): string => `hook ${kind}`,
  connector: (name: string): string => `connector ${name}`,
} as const

/** So that a slash in a name cannot make two names one. */
function escaped(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F')
}

/** The process of a name; every name that is asked for was made from the definition. */
export function processOf(ctx: WorkerContext, name: string): Process {
  const process = ctx.processes.get(name)
  if (process === undefined) throw new Error(`no process '${name}'`)
  return process
}

/** The stream of a run's inbox that holds the callbacks for a status. */
export function callbackStream(status: string): string {
  return `callback/${status}`
}

/** How a run's join names one of its stays. */
export function joinOf(status: string, enteredVersion: number): string {
  return `${status}/${enteredVersion}`
}
