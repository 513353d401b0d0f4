/** Gathers what strands runs: one entry per status, reason and name, with a count and a few ids. */
import type { StrandedReason, StrandedRuns } from '../compatibility.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { EngineContext } from './engine-context.ts'
import type { Need } from './run-needs.ts'

interface Finding {
  readonly status: string
  readonly need: Need
  count: number
  readonly runIds: string[]
}

export class Findings {
  readonly #ctx: EngineContext
  readonly #samples: number
  readonly #findings = new Map<string, Finding>()
  /** Those that concern every run of a status. */
  readonly #byStatus = new Map<string, Finding>()

  constructor(ctx: EngineContext, samples: number) {
    this.#ctx = ctx
    this.#samples = samples
  }

  /** Every run of a status is stranded. */
  addStatus(status: string, reason: StrandedReason, count: number): void {
    const finding = this.#finding(status, { reason })
    finding.count = count
    this.#byStatus.set(status, finding)
  }

  /** Gives the runs of such a status an example. */
  name(record: RunRecord): void {
    const finding = this.#byStatus.get(record.status)
    if (finding !== undefined) this.#sample(finding, record)
  }

  /** One run lacks something. */
  add(record: RunRecord, need: Need): void {
    const finding = this.#finding(record.status, need)
    finding.count += 1
    this.#sample(finding, record)
  }

  /** `isPart`: whether only some of the runs of a status were looked into. */
  listed(isPart: (status: string) => boolean): readonly StrandedRuns[] {
    const statuses = [...this.#ctx.contract.graph.keys()]
    const place = ({ status }: Finding): number => (statuses.includes(status) ? statuses.indexOf(status) : statuses.length)
    return [...this.#findings.values()]
      .sort((a, b) => place(a) - place(b) || (a.status < b.status ? -1 : a.status > b.status ? 1 : 0))
      .map(({ status, need, count, runIds }) => ({
        status,
        ...need,
        count,
        atLeast: !this.#byStatus.has(status) && isPart(status),
        runIds,
        text: textOf(status, need, this.#ctx.contract.schemaVersion),
      }))
  }

  #finding(status: string, need: Need): Finding {
    const key = JSON.stringify([status, need.reason, need.name])
    let finding = this.#findings.get(key)
    if (finding === undefined) this.#findings.set(key, (finding = { status, need, count: 0, runIds: [] }))
    return finding
  }

  #sample({ runIds }: Finding, { runId }: RunRecord): void {
    if (runIds.length < this.#samples) runIds.push(runId)
  }
}

function textOf(status: string, { reason, name = '' }: Need, schemaVersion: number): string {
  switch (reason) {
    case 'status-gone':
      return `the graph has no '${status}': the runs stay there until code has it. Leave it in the graph until they are gone, or cancel them`
    case 'status-terminal':
      return `nothing leaves '${status}', and the runs there are not finished: they never will be. Leave it its exits until they are gone, or cancel them`
    case 'timeout-gone':
      return `a timer for timeout '${name}' is open, and '${status}' has no such timeout: it will not be handled. Keep the timeout, by this name, until its timers are gone`
    case 'timer-missing':
      return `only timeouts leave '${status}', and the runs came there before it had any: no timer of theirs will expire. Give it another exit, or cancel and retry them`
    case 'callback-gone':
      return `a callback for '${name}' was accepted, and no callback leaves '${name}': it will not be handled. Keep that exit until the inboxes are empty`
    case 'join-gone':
      return `children of workflow '${name}' were started, and '${status}' does not join them: nobody will hear how they ended. Keep the join until the runs have left`
    case 'schema-newer':
      return `code with schemaVersion ${name} has written them, and this code knows ${schemaVersion}: it will leave them alone. Deploy that version or a later one`
  }
}
