/** What is simulated: a workflow, as the rest of the simulation needs to know it, without its types. */
import type { AnyWorkflow, TransitionGraph } from '@workflow/core'
import type { HookState } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'

/** The ports of one process, as `build` takes them. */
export type Ports = { readonly [port: string]: unknown }

/** A client of a workflow whose types are not known here. */
export interface LooseClient extends AnyWorkflow {
  trigger(foreignId: string, options: { readonly initialValue: unknown }): Promise<string>
  callback(target: { readonly runId: string }, status: string, payload?: unknown, options?: object): Promise<unknown>
  awaitCompletion(runId: string, options?: object): Promise<{ readonly status: string }>
  schedule(foreignId: string, spec: string, options: object): Promise<{ stop(): Promise<void> }>
  retry(runId: string, options?: object): Promise<string>
  close(): Promise<void>
}

/** A workflow at work, whose types are not known here. */
export interface LooseWorkflow extends LooseClient {
  run(): Promise<void>
  stop(options?: object): Promise<void>
}

export interface Subject {
  readonly name: string
  readonly graph: TransitionGraph
  /** Workflows whose runs this one starts and joins; they are built beside it. */
  readonly others: readonly Pick<Subject, 'name' | 'graph' | 'build'>[]
  readonly hooks: ReadonlySet<HookState>
  /** Whether the handlers report to the oracle. */
  readonly handlersWatched: boolean
  /** Names of the foreign streams that it reads. */
  readonly connectors: readonly string[]
  readonly build: (process: SimProcess, ports: Ports) => LooseWorkflow
  readonly client: (ports: Ports) => LooseClient
  /** What the run of a foreign id starts with. */
  readonly initialValue: (foreignId: string) => unknown
  /** What a callback carries; undefined: nothing. */
  readonly payload: (status: string, key: string) => unknown
  /** What a foreign stream carries. */
  readonly foreignValue: (connector: string, index: number) => unknown
  /** A text that is in every payload of a run and must be gone once its data is deleted; undefined: not looked for. */
  readonly secret: string | undefined
}
