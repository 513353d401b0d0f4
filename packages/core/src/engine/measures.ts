/**
 * What the engine counts by more than the name of a process. Labels are made once for each combination and handed out
 * again, so that counting allocates nothing and an adapter can keep what it has bound to them.
 */
import type { RunState } from '../model/run-state.ts'
import type { Change } from '../model/unit.ts'
import type { Attributes, Instrumentation } from '../ports/instrumentation.ts'

/** Why an event needed nothing done. */
export type SkipReason = 'already handled' | 'not waiting' | 'record is older' | 'not stored' | 'unreadable' | 'invalid'

/** A run that did not exist was in no state. */
const nowhere = ''

type ByCurrent = Map<string, Attributes>
type ByPrevious = Map<string, ByCurrent>

export class Measures {
  readonly #instrumentation: Instrumentation
  readonly #workflowName: string
  readonly #skipped = new Map<string, Map<SkipReason, Attributes>>()
  /** By workflow, process, previous and current state. */
  readonly #moves = new Map<string, Map<string, ByPrevious>>()

  constructor(instrumentation: Instrumentation, workflowName: string) {
    this.#instrumentation = instrumentation
    this.#workflowName = workflowName
  }

  /** `process`: who looked at the event. */
  skipped(process: string, reason: SkipReason): void {
    const byReason = entry(this.#skipped, process, () => new Map<SkipReason, Attributes>())
    let labels = byReason.get(reason)
    if (labels === undefined) {
      labels = Object.freeze({ workflow_name: this.#workflowName, process_name: process, reason })
      byReason.set(reason, labels)
    }
    this.#instrumentation.count('workflow_process_skipped_events_count', 1, labels)
  }

  /** Each state that a committed change has passed through. `process`: who moved the run. `before`: undefined at its creation. */
  moved(process: string, before: RunState | undefined, { next, history }: Change): void {
    let previous: string = before ?? nowhere
    for (const state of history.states) {
      if (state === previous) continue
      this.#count(next.workflowName, process, previous, state)
      previous = state
    }
  }

  #count(workflow: string, process: string, previous: string, current: string): void {
    const byProcess = entry(this.#moves, workflow, () => new Map<string, ByPrevious>())
    const byPrevious = entry(byProcess, process, () => new Map<string, ByCurrent>())
    const byCurrent = entry(byPrevious, previous, () => new Map<string, Attributes>())
    let labels = byCurrent.get(current)
    if (labels === undefined) {
      labels = Object.freeze({
        workflow_name: workflow,
        process_name: process,
        previous_run_state: previous,
        current_run_state: current,
      })
      byCurrent.set(current, labels)
    }
    this.#instrumentation.count('workflow_run_state_changes', 1, labels)
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
