/** What the first page and the page of a workflow ask of stores: counts and the few runs worth a look. */
import type { AnySnapshot } from '@workflow/core'
import { isWorkflowError, type RunState } from '@workflow/core/adapter'
import type { LagJson, RunJson } from '../api/run-json.ts'
import type { WorkflowDetailJson, WorkflowJson, WorkflowOverviewJson } from '../api/workflow-json.ts'
import { boundedMap } from './bounded-map.ts'
import { lagView, runView } from './run-view.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const minuteMs = 60_000
const minutes = 30
const unfinished: readonly RunState[] = ['Initiated', 'Running', 'Paused']
const pausedLookedAt = 50
const needsPersonMax = 10
const questionsAtOnce = 8

/**
 * Runs created per minute: from the newest runs, where few are enough; else each minute is counted, which may look at every run,
 * and one that has been over for a while only once.
 */
export class CreatedCounts {
  readonly #workflow: WatchedWorkflow
  readonly #listedMax: number
  readonly #closed = new Map<number, number>()

  /** `listedMax`: so many of the newest runs are looked at, 1,000 at most. */
  constructor(workflow: WatchedWorkflow, listedMax: number = 1_000) {
    this.#workflow = workflow
    this.#listedMax = listedMax
  }

  /** Of the last thirty minutes, the one of `nowMs` last. */
  async upTo(nowMs: number): Promise<number[]> {
    const current = Math.floor(nowMs / minuteMs)
    const first = current - minutes + 1
    const wanted = Array.from({ length: minutes }, (_, i) => first + i)
    for (const minute of this.#closed.keys()) if (minute < first) this.#closed.delete(minute)
    // Once minutes have been counted, few are left to count.
    return (this.#closed.size === 0 ? await this.#listed(first) : undefined) ?? (await this.#counted(wanted, current))
  }

  /** Undefined where more runs have been created since than are looked at. */
  async #listed(first: number): Promise<number[] | undefined> {
    const { items, cursor } = await this.#workflow.ask((it) => it.list({ limit: this.#listedMax }))
    const counts = Array.from({ length: minutes }, () => 0)
    for (const { createdAt } of items) {
      const i = Math.floor(createdAt.getTime() / minuteMs) - first
      if (i < 0) return counts
      // Clocks are a little apart.
      const at = Math.min(i, minutes - 1)
      counts[at] = (counts[at] ?? 0) + 1
    }
    return cursor === undefined ? counts : undefined
  }

  async #counted(wanted: readonly number[], current: number): Promise<number[]> {
    return await boundedMap(wanted, questionsAtOnce, async (minute) => {
      const known = this.#closed.get(minute)
      if (known !== undefined) return known
      const [createdAfter, createdBefore] = [new Date(minute * minuteMs), new Date((minute + 1) * minuteMs)]
      const counted = sum(await this.#workflow.ask((it) => it.count('state', { createdAfter, createdBefore })))
      // A commit may take its time.
      if (minute < current - 1) this.#closed.set(minute, counted)
      return counted
    })
  }
}

/** What the store does not answer is left out, and `health` says why. Never rejects but for a mistake. */
export async function overviewOf(workflow: WatchedWorkflow, created: CreatedCounts, nowMs: number): Promise<WorkflowOverviewJson> {
  const [byState, createdCounts, needsPerson, lag] = await Promise.all([
    orAbsent(workflow.ask((it) => it.count('state'))),
    orAbsent(created.upTo(nowMs)),
    orAbsent(needsPersonOf(workflow)),
    orAbsent(lagOf(workflow)),
  ])
  return {
    name: workflow.name,
    // Read last: the questions above have found it out.
    health: workflow.health,
    ...(byState === undefined ? undefined : { byState: Object.fromEntries(byState) }),
    ...(createdCounts === undefined ? undefined : { created: createdCounts }),
    ...(needsPerson === undefined ? undefined : { needsPerson }),
    ...(lag === undefined ? undefined : { lag }),
  }
}

export async function detailOf(workflow: WatchedWorkflow): Promise<WorkflowDetailJson> {
  const [byState, byStatus, lag] = await Promise.all([
    workflow.ask((it) => it.count('state')),
    workflow.ask((it) => it.count('status', { state: unfinished })),
    orAbsent(lagOf(workflow)),
  ])
  const oldest = await boundedMap([...byStatus.keys()], questionsAtOnce, async (status) => {
    const { items } = await workflow.ask((it) => it.list({ status, state: unfinished, order: 'oldest', limit: 1 }))
    return items.map((run): [string, RunJson] => [status, runView(run, workflow.redaction)])
  })
  return {
    ...graphView(workflow),
    byState: Object.fromEntries(byState),
    byStatus: Object.fromEntries(byStatus),
    oldest: Object.fromEntries(oldest.flat()),
    lag: lag ?? [],
  }
}

export function graphView(workflow: WatchedWorkflow): WorkflowJson {
  const { nodes, starts, terminals, transitions } = workflow.graph()
  return {
    name: workflow.name,
    nodes: nodes.map(({ status, exits }) => ({ status, exits: [...exits] })),
    starts: [...starts],
    terminals: [...terminals],
    transitions: transitions.map(({ from, to, kind }) => ({ from, to, kind })),
  }
}

async function needsPersonOf(workflow: WatchedWorkflow): Promise<RunJson[]> {
  const { items } = await workflow.ask((it) => it.list({ state: 'Paused', limit: pausedLookedAt }))
  const stays = ({ pause }: AnySnapshot): boolean => pause !== undefined && pause.resumeAt === undefined
  return items
    .filter(stays)
    .slice(0, needsPersonMax)
    .map((run) => runView(run, workflow.redaction))
}

async function lagOf(workflow: WatchedWorkflow): Promise<LagJson[]> {
  return (await workflow.lag()).map(lagView)
}

async function orAbsent<T>(question: Promise<T>): Promise<T | undefined> {
  try {
    return await question
  } catch (error) {
    if (isWorkflowError(error)) return undefined
    throw error
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, one) => all + one, 0)
}
