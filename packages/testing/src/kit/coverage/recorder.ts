import type { HandlerInfo, TransitionGraph } from '@workflow/core'
import type { Change } from '@workflow/core/adapter'
import { type Call, handlerName, type LastCall } from '../calls.ts'
import { type Coverage, isExitKind, keyOfTimeout, keyOfTransition } from './coverage.ts'

/** Counts what the runs of one kit do. */
export class CoverageRecorder {
  readonly #graph: TransitionGraph
  readonly #transitions = new Map<string, { taken: number; mocked: number }>()
  readonly #timeouts = new Map<string, { readonly status: string; readonly name: string; fired: number }>()
  readonly #errors = new Map<string, number>()
  #runs = 0

  constructor(graph: TransitionGraph) {
    this.#graph = graph
    for (const transition of graph.transitions) this.#transitions.set(keyOfTransition(transition), { taken: 0, mocked: 0 })
  }

  /** There is such a handler. */
  know(info: HandlerInfo): void {
    const { kind, status, name } = info
    if (kind === 'timer' || kind === 'customDelete') return
    this.#errors.set(handlerName(info), 0)
    if (kind === 'timeout' && status !== undefined && name !== undefined)
      this.#timeouts.set(keyOfTimeout({ status, name }), { status, name, fired: 0 })
  }

  /** A call has ended. */
  ended({ kind, status, name }: HandlerInfo, call: Call): void {
    if ('error' in call) this.#errors.set(call.handler, (this.#errors.get(call.handler) ?? 0) + 1)
    if (kind !== 'timeout' || status === undefined || name === undefined) return
    const timeout = this.#timeouts.get(keyOfTimeout({ status, name }))
    if (timeout !== undefined) timeout.fired += 1
  }

  /** A run of this workflow has a new version. */
  committed({ next, history }: Change, last: LastCall | undefined): void {
    if (next.version === 1) this.#runs += 1
    const { from, to, by } = history
    // A pause, a repeat or a skip that saves leaves the run in its stay.
    if (from === undefined || !isExitKind(by) || next.entered.version !== next.version) return
    const transition = this.#transitions.get(keyOfTransition({ from, kind: by, to }))
    if (transition === undefined) return
    transition.taken += 1
    if (last === 'mocked') transition.mocked += 1
  }

  /** What counts as long as the kit has not been stopped: nothing but that there is one. */
  begun(): Coverage {
    const workflows = this.coverage().workflows.map((workflow) => ({ ...workflow, kits: 0, unstopped: 1 }))
    return { version: 1, workflows }
  }

  coverage(): Coverage {
    const graph = this.#graph
    return {
      version: 1,
      workflows: [
        {
          workflow: graph.name,
          graph,
          kits: 1,
          unstopped: 0,
          runs: this.#runs,
          transitions: graph.transitions.map((transition) => ({
            ...transition,
            ...(this.#transitions.get(keyOfTransition(transition)) ?? { taken: 0, mocked: 0 }),
          })),
          timeouts: Array.from(this.#timeouts.values(), (timeout) => ({ ...timeout })),
          errors: Array.from(this.#errors, ([handler, failed]) => ({ handler, failed })),
        },
      ],
    }
  }
}
