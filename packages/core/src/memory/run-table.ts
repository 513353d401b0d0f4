import type { Change } from '../model/unit.ts'
import { OrderedRows } from './ordered-rows.ts'
import { StoredRun } from './stored-run.ts'

/** What a unit may ask for and change: the table itself, or a transaction's view of it. */
export interface RunView {
  readonly find: (runId: string) => StoredRun | undefined
  /** The run, to be changed. */
  readonly edit: (runId: string) => StoredRun | undefined
  readonly unfinishedOf: (workflowName: string, foreignId: string) => StoredRun | undefined
  readonly create: (change: Change) => StoredRun
  readonly move: (run: StoredRun, change: Change) => void
}

/** The runs of one foreign id. */
interface ForeignRuns {
  readonly runs: StoredRun[]
  unfinished: StoredRun | undefined
}

/** The runs that one run has started. */
interface Children {
  readonly runs: StoredRun[]
  readonly unfinished: Map<string, number>
}

const noRuns: readonly StoredRun[] = []

/** Every run of a database, and the indexes over them. */
export class RunTable implements RunView {
  readonly all: OrderedRows<StoredRun> = new OrderedRows()
  readonly #runs = new Map<string, StoredRun>()
  readonly #workflows = new Map<string, OrderedRows<StoredRun>>()
  readonly #foreign = new Map<string, Map<string, ForeignRuns>>()
  readonly #children = new Map<string, Children>()
  #orders = 0

  find(runId: string): StoredRun | undefined {
    return this.#runs.get(runId)
  }

  edit(runId: string): StoredRun | undefined {
    return this.#runs.get(runId)
  }

  unfinishedOf(workflowName: string, foreignId: string): StoredRun | undefined {
    return this.#foreign.get(workflowName)?.get(foreignId)?.unfinished
  }

  /** By `seq`, gone ones not among them. */
  ofForeignId(workflowName: string, foreignId: string): readonly StoredRun[] {
    return this.#foreign.get(workflowName)?.get(foreignId)?.runs ?? noRuns
  }

  ofWorkflow(workflowName: string): readonly StoredRun[] {
    return this.#workflows.get(workflowName)?.rows ?? noRuns
  }

  ofParent(runId: string): readonly StoredRun[] {
    return this.#children.get(runId)?.runs ?? noRuns
  }

  unfinishedChildren(runId: string, join: string): number {
    return this.#children.get(runId)?.unfinished.get(join) ?? 0
  }

  create(change: Change): StoredRun {
    const run = StoredRun.created(this.nextOrder(), change)
    this.insert(run)
    return run
  }

  move(run: StoredRun, change: Change): void {
    const wasUnfinished = !run.finished
    run.move(change)
    this.#index(run, wasUnfinished)
  }

  /** The `seq` of the next run. */
  nextOrder(): number {
    return ++this.#orders
  }

  /** Adds a run that a transaction may have created a while ago. */
  insert(run: StoredRun): void {
    const { runId, workflowName, foreignId, parent } = run.bare
    this.#runs.set(runId, run)
    this.all.add(run)
    entryOf(this.#workflows, workflowName, newRows).add(run)
    const foreignIds = entryOf(this.#foreign, workflowName, newForeignIds)
    const foreign = foreignIds.get(foreignId)
    if (foreign === undefined) foreignIds.set(foreignId, { runs: [run], unfinished: undefined })
    else addByOrder(foreign.runs, run)
    if (parent !== undefined) addByOrder(entryOf(this.#children, parent.runId, newChildren).runs, run)
    this.#index(run, false)
  }

  /** Makes a run what a transaction has made of its copy. */
  replace(run: StoredRun, copy: StoredRun): void {
    const wasUnfinished = !run.finished
    run.adopt(copy)
    this.#index(run, wasUnfinished)
  }

  remove(run: StoredRun): void {
    const { workflowName, foreignId, parent } = run.bare
    run.gone = true
    this.#runs.delete(run.runId)
    this.all.noteGone()
    this.#workflows.get(workflowName)?.noteGone()
    const foreign = this.#foreign.get(workflowName)
    const runs = foreign?.get(foreignId)?.runs ?? []
    cut(runs, run)
    if (runs.length === 0) foreign?.delete(foreignId)
    const siblings = parent === undefined ? [] : (this.#children.get(parent.runId)?.runs ?? [])
    cut(siblings, run)
    if (parent !== undefined && siblings.length === 0) this.#children.delete(parent.runId)
  }

  /** Brings the indexes that depend on whether a run is finished up to date. */
  #index(run: StoredRun, wasUnfinished: boolean): void {
    const is = !run.finished
    if (wasUnfinished === is) return
    const { workflowName, foreignId, parent } = run.bare
    const foreign = this.#foreign.get(workflowName)?.get(foreignId)
    if (foreign !== undefined) {
      if (is) foreign.unfinished = run
      else if (foreign.unfinished === run) foreign.unfinished = undefined
    }
    if (parent === undefined) return
    const unfinished = this.#children.get(parent.runId)?.unfinished
    unfinished?.set(parent.join, (unfinished.get(parent.join) ?? 0) + (is ? 1 : -1))
  }
}

const newRows = (): OrderedRows<StoredRun> => new OrderedRows()
const newForeignIds = (): Map<string, ForeignRuns> => new Map()
const newChildren = (): Children => ({ runs: [], unfinished: new Map() })

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}

function addByOrder(runs: StoredRun[], run: StoredRun): void {
  let index = runs.length
  while (index > 0 && (runs[index - 1]?.order ?? 0) > run.order) index--
  if (index === runs.length) runs.push(run)
  else runs.splice(index, 0, run)
}

function cut(runs: StoredRun[], run: StoredRun): void {
  const index = runs.indexOf(run)
  if (index >= 0) runs.splice(index, 1)
}
