import type { ContractModel } from '../model/definition.ts'
import type { RunState } from '../model/run-state.ts'
import { stateTopicOf, topicOf } from '../model/topic.ts'

const announced: readonly RunState[] = ['Paused', 'Completed', 'Cancelled', 'RequestedDataDeleted', 'DataDeleted']

/** The topics of one workflow, made once: the arrays are shared by all events. */
export class Topics {
  /** Every topic of the workflow. */
  readonly all: readonly string[]
  /** The topics that the runs' own work arrives on: one per status that something leaves, and requests to delete data. */
  readonly work: readonly string[]
  readonly #workflowName: string
  readonly #at = new Map<string, readonly string[]>()
  readonly #completed = new Map<string, readonly string[]>()
  readonly #state = new Map<RunState, readonly string[]>()
  readonly #status = new Map<string, string>()

  constructor(contract: ContractModel) {
    this.#workflowName = contract.name
    for (const state of announced) this.#state.set(state, [stateTopicOf(contract.name, state)])
    const work: string[] = []
    for (const [status, exits] of contract.graph) {
      const topic = topicOf(contract.name, status)
      this.#status.set(topic, status)
      this.#at.set(status, [topic])
      this.#completed.set(status, [topic, stateTopicOf(contract.name, 'Completed')])
      if (Object.keys(exits).length > 0) work.push(topic)
    }
    this.work = [...work, this.deletion]
    this.all = [...this.#status.keys(), ...announced.map((state) => stateTopicOf(contract.name, state))]
  }

  /** Where requests to delete data arrive. */
  get deletion(): string {
    return stateTopicOf(this.#workflowName, 'RequestedDataDeleted')
  }

  /** Entering, resuming or repeating a status. */
  at(status: string): readonly string[] {
    return this.#at.get(status) ?? [topicOf(this.#workflowName, status)]
  }

  /** Completing at a terminal status. */
  completed(status: string): readonly string[] {
    return this.#completed.get(status) ?? this.at(status)
  }

  /** Entering a run state without moving in the graph. */
  state(state: RunState): readonly string[] {
    return this.#state.get(state) ?? []
  }

  /** Which status a topic is of; undefined for the topics of run states. */
  statusOf(topic: string): string | undefined {
    return this.#status.get(topic)
  }
}
