/** What may happen to callbacks: accepted once, consumed in order, by a handler that has seen them or because their stay is over. */
import { isFinished, type Append, type Change, type Consume, type Unit } from '@workflow/core/adapter'
import type { Oracle } from './oracle.ts'
import type { ModelInbox, ModelItem, RunModel } from './run-model.ts'
import type { ExitTable } from './transition-rules.ts'

/** How the engine names the stream of a status. */
const streamOf = (status: string): string => `callback/${status}`

export class InboxRules {
  readonly #oracle: Oracle
  readonly #callbacksKnown: boolean

  constructor(oracle: Oracle, callbacksKnown: boolean) {
    this.#oracle = oracle
    this.#callbacksKnown = callbacksKnown
  }

  append(append: Append, run: RunModel | undefined): void {
    const { runId, stream, id, ifVersion } = append
    if (run === undefined) return this.#fail(`a callback was accepted for run ${runId}, which does not exist`)
    let inbox = run.inbox.get(stream)
    if (inbox === undefined) run.inbox.set(stream, (inbox = { items: [], ids: new Set(), consumed: 0 }))
    if (inbox.ids.has(id)) return
    if (isFinished(run.runState)) this.#fail(`callback '${id}' was accepted for ${this.#oracle.nameOf(runId)}, which is finished`)
    if (ifVersion !== undefined && ifVersion !== run.version)
      this.#fail(`callback '${id}' was accepted over version ${ifVersion} of ${this.#oracle.nameOf(runId)}`)
    inbox.ids.add(id)
    inbox.items.push({ id, entered: stayOf(append) })
  }

  consume({ runId, stream, through }: Consume, unit: Unit, run: RunModel | undefined): void {
    const inbox = run?.inbox.get(stream)
    if (run === undefined || inbox === undefined) return
    const taken = inbox.items.slice(inbox.consumed, through)
    // The transition of this unit has been applied by now: the stay that the item met is the one before it.
    const change = unit.changes?.find(({ next }) => next.runId === runId)
    for (const item of taken) this.#consumed(run, item, change)
    if (taken.length > 1) this.#fail(`${this.#oracle.nameOf(runId)}: ${taken.length} callbacks were consumed at once`)
    inbox.consumed = Math.max(inbox.consumed, through)
  }

  #consumed(run: RunModel, item: ModelItem, change: Change | undefined): void {
    const seen = !this.#callbacksKnown || this.#oracle.handlers.sawCallback(run.runId, item.id)
    if (change !== undefined) {
      if (change.history.by !== 'callback' && change.history.by !== 'engine')
        this.#fail(`${this.#oracle.nameOf(run.runId)}: callback '${item.id}' was consumed by a ${change.history.by}`)
      else if (!seen) this.#fail(`${this.#oracle.nameOf(run.runId)}: callback '${item.id}' was consumed, and no handler has seen it`)
      return
    }
    if (!seen && !isFinished(run.runState) && (item.entered === undefined || item.entered === run.enteredVersion))
      this.#fail(`${this.#oracle.nameOf(run.runId)}: callback '${item.id}' was dropped, and its stay is not over`)
  }

  /** Before a run leaves its status by something else: a callback that was accepted for this stay goes first. */
  moving(run: RunModel, { next, history }: Change, unit: Unit, exits: ExitTable): void {
    if (history.by === 'callback' && unit.consume?.some(({ runId }) => runId === run.runId) !== true)
      this.#fail(`${this.#oracle.nameOf(run.runId)} was moved by a callback that stays in its inbox`)
    if (history.by !== 'step' && history.by !== 'timeout' && history.by !== 'join') return
    if (exits.get(run.status)?.['callback'] === undefined || next.entered.version === run.enteredVersion) return
    const inbox = run.inbox.get(streamOf(run.status))
    const waiting = inbox === undefined ? undefined : nextFor(inbox, run.enteredVersion)
    if (waiting !== undefined)
      this.#fail(
        `${this.#oracle.nameOf(run.runId)} left by a ${history.by} although callback '${waiting.id}' had been accepted for this stay`,
      )
  }

  #fail(message: string): void {
    this.#oracle.fail('callbacks kept', message)
  }
}

function nextFor(inbox: ModelInbox, entered: number): ModelItem | undefined {
  return inbox.items.slice(inbox.consumed).find((item) => item.entered === undefined || item.entered === entered)
}

const decoder = new TextDecoder()

function stayOf({ body }: Append): number | undefined {
  if (body.codec !== 'json') return undefined
  return (JSON.parse(decoder.decode(body.bytes)) as { readonly entered?: number }).entered
}
