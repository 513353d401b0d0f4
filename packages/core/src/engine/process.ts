import type { ResolvedProcessOptions } from './process-options.ts'
import type { Attributes } from '../ports/instrumentation.ts'
import { Gate } from './gate.ts'

export type ProcessStateName = 'idle' | 'running' | 'shutdown'

/** A named part of a workflow's work in this instance: a step, a callback, a timeout, a hook, the poller and so on. */
export class Process {
  readonly name: string
  readonly options: ResolvedProcessOptions
  readonly gate: Gate
  /** Of its measurements. */
  readonly labels: Attributes
  /** Whether the last event was older than `lagAlert` when its turn came; undefined before the first. */
  late: boolean | undefined
  /** Looks whether it is still late. Disposed at the stop. */
  lagWatch: Disposable | undefined

  constructor(name: string, options: ResolvedProcessOptions, workflowName: string) {
    this.name = name
    this.options = options
    this.labels = Object.freeze({ workflow_name: workflowName, process_name: name })
    this.gate = new Gate(options.parallelCount)
  }
}
