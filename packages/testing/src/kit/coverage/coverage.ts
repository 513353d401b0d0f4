/** Which paths of a workflow tests have taken, as data: counted per kit, merged over all of them. */
import type { ExitKind, Transition, TransitionGraph } from '@workflow/core'

/** A transition of the graph, and how often runs took it. */
export interface TransitionCoverage extends Transition {
  readonly taken: number
  /** How many of those a mock has decided. */
  readonly mocked: number
}

/** A timeout, and how often it fired. */
export interface TimeoutCoverage {
  readonly status: string
  readonly name: string
  readonly fired: number
}

/** What happens when a handler fails: how often one did. */
export interface ErrorCoverage {
  /** E.g. `step created`, `connector carrier`. */
  readonly handler: string
  readonly failed: number
}

/** What tests did with one workflow. */
export interface WorkflowCoverage {
  readonly workflow: string
  readonly graph: TransitionGraph
  /** Kits that were stopped. */
  readonly kits: number
  /** Kits that were not: what their runs did is not counted. */
  readonly unstopped: number
  readonly runs: number
  readonly transitions: readonly TransitionCoverage[]
  readonly timeouts: readonly TimeoutCoverage[]
  readonly errors: readonly ErrorCoverage[]
}

/** What tests did with all workflows, sorted by name. */
export interface Coverage {
  readonly version: 1
  readonly workflows: readonly WorkflowCoverage[]
}

/** Adds up coverage, e.g. of several test files. Workflows of one name whose graphs differ stay apart. */
export function mergeCoverage(parts: readonly Coverage[]): Coverage {
  const merged = new Map<string, WorkflowCoverage>()
  for (const part of parts.flatMap(({ workflows }) => workflows)) {
    const key = JSON.stringify([part.workflow, part.graph.transitions, part.graph.nodes])
    const known = merged.get(key)
    merged.set(key, known === undefined ? part : sum(known, part))
  }
  const workflows = [...merged.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each)
  return { version: 1, workflows }
}

function sum(one: WorkflowCoverage, other: WorkflowCoverage): WorkflowCoverage {
  return {
    ...one,
    kits: one.kits + other.kits,
    unstopped: one.unstopped + other.unstopped,
    runs: one.runs + other.runs,
    transitions: joined(one.transitions, other.transitions, keyOfTransition, (a, b) => ({
      ...a,
      taken: a.taken + b.taken,
      mocked: a.mocked + b.mocked,
    })),
    timeouts: joined(one.timeouts, other.timeouts, keyOfTimeout, (a, b) => ({ ...a, fired: a.fired + b.fired })),
    errors: joined(
      one.errors,
      other.errors,
      ({ handler }) => handler,
      (a, b) => ({ ...a, failed: a.failed + b.failed }),
    ),
  }
}

function joined<T>(ones: readonly T[], others: readonly T[], keyOf: (item: T) => string, add: (one: T, other: T) => T): readonly T[] {
  const all = new Map(ones.map((item) => [keyOf(item), item]))
  for (const item of others) {
    const known = all.get(keyOf(item))
    all.set(keyOf(item), known === undefined ? item : add(known, item))
  }
  return [...all.values()]
}

export function keyOfTransition({ from, kind, to }: { readonly from: string; readonly kind: string; readonly to: string }): string {
  return JSON.stringify([from, kind, to])
}

export function keyOfTimeout({ status, name }: { readonly status: string; readonly name: string }): string {
  return JSON.stringify([status, name])
}

/** Whether a move in a history may be a transition of the graph. */
export function isExitKind(by: string): by is ExitKind {
  return by === 'step' || by === 'callback' || by === 'timeout' || by === 'join'
}
