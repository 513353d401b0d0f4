/** Watches over a run's history while it is exported: what has been deleted, what is missing, where it ends. */
import { StoreCorrupt } from '../errors.ts'
import type { RunState } from '../model/run-state.ts'
import type { RunHistoryEntry } from '../run-history.ts'
import type { CheckedExportOptions } from './export-options.ts'
import type { ExportedRun, ExportProblem, ObjectProblem, ReadEntry } from './exported-run.ts'

/** In place of what is about to be deleted, as in place of what has been. */
const deletedText = '(deleted)'

/** What is known of a run's history while it is read. */
export class RunTrail {
  readonly #run: ExportedRun
  readonly #onProblem: CheckedExportOptions['onProblem']
  #version = 0
  #isOver = false
  #isDeleted: boolean

  constructor(run: ExportedRun, { onProblem }: CheckedExportOptions) {
    this.#run = run
    this.#onProblem = onProblem
    this.#isDeleted = isDeletion(run.state)
  }

  /** Whether everything up to the version that was listed has been seen, or nothing more can be. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Entries up to the version that was listed: the run as a whole is of that moment. Without what is deleted, or about to be. */
  checked(entries: readonly ReadEntry[]): readonly ReadEntry[] {
    // Also if the request came after the listing: it may be carried out at any moment.
    this.#isDeleted ||= entries.some(({ entry }) => entry.states.some(isDeletion))
    const checked: ReadEntry[] = []
    for (const read of entries) {
      const { version } = read.entry
      if (version > this.#run.version) {
        this.#isOver = true
        break
      }
      if (version !== this.#version + 1) this.#missing(this.#version + 1, version - 1)
      this.#version = version
      checked.push(this.#isDeleted ? { entry: withheld(read.entry) } : read)
    }
    return checked
  }

  objectProblem(version: number, { code, error }: ObjectProblem): void {
    this.#tell({
      kind: 'object-unreadable',
      version,
      error,
      text: `the object of version ${version} cannot be exported (${code}): its entry is exported without it`,
    })
  }

  gone(): void {
    this.#isOver = true
    this.#version = this.#run.version
    this.#tell({ kind: 'run-gone', text: 'it has been purged since it was listed: what was read of it before is exported' })
  }

  /** Throws `StoreCorrupt` where nobody is told of problems. */
  unreadable(error: unknown): void {
    const version = this.#version + 1
    const text = `its history cannot be read from version ${version} on`
    if (this.#onProblem === undefined)
      throw new StoreCorrupt(
        `${this.#name}: ${text}: ${error instanceof Error ? error.message : String(error)}. Give onProblem to leave out what cannot be read`,
        { cause: error, details: { runId: this.#run.runId, version } },
      )
    this.#isOver = true
    this.#version = this.#run.version
    this.#tell({ kind: 'history-unreadable', version, error, text: `${text}: these entries are not exported` })
  }

  end(): void {
    if (this.#version < this.#run.version) this.#missing(this.#version + 1, this.#run.version)
  }

  get #name(): string {
    return `run ${this.#run.runId} of workflow '${this.#run.workflowName}'`
  }

  #missing(first: number, last: number): void {
    const what = first === last ? `version ${first} is` : `versions ${first} to ${last} are`
    this.#tell({ kind: 'history-incomplete', version: first, text: `${what} not in its history` })
  }

  #tell(problem: Pick<ExportProblem, 'kind' | 'version' | 'error' | 'text'>): void {
    const { workflowName, runId, foreignId } = this.#run
    this.#onProblem?.({ workflowName, runId, foreignId, ...problem, text: `${this.#name}: ${problem.text}` })
  }
}

function isDeletion(state: RunState): boolean {
  return state === 'RequestedDataDeleted' || state === 'DataDeleted'
}

function withheld(whole: RunHistoryEntry): RunHistoryEntry {
  const { object: _, reason, error, ...entry } = whole
  return {
    ...entry,
    ...(reason === undefined ? undefined : { reason: deletedText }),
    ...(error === undefined ? undefined : { error: { name: deletedText, message: deletedText } }),
  }
}
