import type { ResolvedProcessOptions } from './process-options.ts'
import { Gate } from './gate.ts'

export type ProcessStateName = 'idle' | 'running' | 'shutdown'

/** A named part of a workflow's work in this instance: a step, a callback, a timeout, a hook, the poller and so on. */
export class Process {
  readonly name: string
  readonly options: ResolvedProcessOptions
  readonly gate: Gate
  /** Whether the last event was older than `lagAlert` when its turn came. */
  late = false

  constructor(name: string, options: ResolvedProcessOptions) {
    this.name = name
    this.options = options
    this.gate = new Gate(options.parallelCount)
  }
}
