/** What is simulated: a workflow, as the rest of the simulation needs to know it, without its types. */
import type { AnyContract, AnyWorkflow, Interceptor, TransitionGraph } from '@workflow/core'
import type { HookState } from './oracle.ts'
import type { SimProcess } from './sim-process.ts'
import { watched, type WatchOptions } from './watched.ts'

/** The ports of one process, as `build` takes them. */
export type Ports = { readonly [port: string]: unknown }

/** A client of a workflow whose types are not known here. */
export interface LooseClient extends AnyWorkflow {
  trigger(foreignId: string, options: { readonly initialValue: unknown }): Promise<string>
  triggerMany(
    items: readonly { readonly foreignId: string; readonly initialValue: unknown }[],
  ): Promise<readonly { readonly foreignId: string; readonly runId?: string; readonly error?: unknown }[]>
  await(runId: string, status: string, options?: object): Promise<{ readonly status: string }>
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

/** A definition whose types are not known here. */
export interface LooseDefinition {
  readonly contract: AnyContract
  intercept(around: Interceptor): LooseDefinition
  build(infrastructure: unknown): LooseWorkflow
}

export interface Subject extends WatchOptions {
  /** The workflow, then those whose runs it starts and joins; as one process builds them. */
  readonly definitions: (process: SimProcess) => readonly [LooseDefinition, ...LooseDefinition[]]
  /** Called before each time that a seed is run: whatever chance the values take begins anew. */
  readonly begin?: () => void
  /** What the run of a foreign id starts with. */
  readonly initialValue: (foreignId: string) => unknown
  /** What a callback carries; undefined: nothing. */
  readonly payload: (status: string, key: string) => unknown
  /** What a foreign stream carries. */
  readonly foreignValue: (connector: string, index: number) => unknown
  /** Whether somebody moves runs to other statuses by hand. Only for handlers that can begin anywhere. @default false */
  readonly movable?: boolean
  /** A text that is in every payload of a run and must be gone once its data is deleted; absent: not looked for. */
  readonly secret?: string
}

/** What is known of a subject before it runs. */
export interface Outline {
  readonly name: string
  readonly graph: TransitionGraph
  readonly graphs: ReadonlyMap<string, TransitionGraph>
  readonly hooks: ReadonlySet<HookState>
  readonly connectors: readonly string[]
}

/** The run state that each hook is about, by its name. */
export const hookStates: { readonly [name: string]: HookState } = {
  pause: 'Paused',
  cancel: 'Cancelled',
  complete: 'Completed',
  dataDeleted: 'DataDeleted',
}

export function outlineOf(definitions: readonly [LooseDefinition, ...LooseDefinition[]]): Outline {
  const [{ contract }] = definitions
  const hooks = new Set<HookState>()
  const connectors: string[] = []
  definitions[0].intercept((info, handler) => {
    const state = info.kind === 'hook' ? hookStates[info.name ?? ''] : undefined
    if (state !== undefined) hooks.add(state)
    if (info.kind === 'connector' && info.name !== undefined) connectors.push(info.name)
    return handler
  })
  const graphs = new Map(definitions.map((definition) => [definition.contract.name, definition.contract.graph()]))
  return { name: contract.name, graph: contract.graph(), graphs, hooks, connectors }
}

/** The workflows of one process, on its ports. */
export function built(subject: Subject, process: SimProcess, ports: Ports): readonly [LooseWorkflow, ...LooseWorkflow[]] {
  const [first, ...others] = subject.definitions(process)
  return [
    first.intercept(watched(process, subject)).build(ports),
    // Foreign streams belong to the workflow itself.
    ...others.map((other) => other.intercept(watched(process, subject)).build({ ...ports, connectors: {} })),
  ]
}
