/** What one stored run needs that the code no longer has. Asks the store, changes nothing. */
import type { StrandedReason } from '../compatibility.ts'
import { isWorkflowError } from '../errors.ts'
import type { ExitsModel } from '../model/definition.ts'
import type { StoredItem } from '../model/item.ts'
import type { RunRecord } from '../model/run-record.ts'
import type { StoredTimer } from '../model/timer.ts'
import type { CallbackBody } from './callback-item.ts'
import type { EngineContext } from './engine-context.ts'
import { callbackStream, joinOf } from './worker-context.ts'

/** The timeouts of a definition by status. A status without an entry has those that its graph says, by whatever name. */
export type Timeouts = ReadonlyMap<string, readonly { readonly name: string }[]>

/** Something that is missing. */
export interface Need {
  readonly reason: StrandedReason
  readonly name?: string
}

export interface Question {
  readonly ctx: EngineContext
  readonly timeouts: Timeouts
  /** Statuses that take no callback. */
  readonly deaf: Iterable<string>
  readonly ask: <T>(work: () => Promise<T>) => Promise<T>
}

/** No run of a sane process has more timers open. */
const timersMax = 1_000
const itemsPage = 100

/** Everything that a run lacks, at a status that something leaves. */
export async function needsOf(question: Question, record: RunRecord): Promise<readonly Need[]> {
  const { contract } = question.ctx
  const exits = contract.graph.get(record.status) ?? {}
  const { schema } = record.writer
  const [timers, callbacks, joins] = await Promise.all([
    timerNeeds(question, record, exits),
    callbackNeeds(question, record),
    joinNeeds(question, record, exits),
  ])
  return [
    ...(schema > contract.schemaVersion ? [{ reason: 'schema-newer' as const, name: String(schema) }] : []),
    ...timers,
    ...callbacks,
    ...joins,
  ]
}

async function timerNeeds({ ctx, timeouts, ask }: Question, record: RunRecord, exits: ExitsModel): Promise<readonly Need[]> {
  const names = exits.timeout === undefined ? [] : timeouts.get(record.status)?.map(({ name }) => name)
  const isKnown = ({ key }: StoredTimer): boolean => names === undefined || names.includes(key.name)
  const ofStay = async (status: 'open' | 'settled'): Promise<readonly StoredTimer[]> => {
    const { items } = await ask(() => ctx.store.timers.list({ owner: record.runId, status }, { limit: timersMax }))
    return items.filter(({ key }) => key.kind === 'timeout' && key.epoch === record.entered.version)
  }
  const open = await ofStay('open')
  const gone = new Set(open.filter((timer) => !isKnown(timer)).map(({ key }) => key.name))
  if (gone.size > 0) return [...gone].map((name) => ({ reason: 'timeout-gone', name }))
  // Whoever enters a status starts its timers; those of a first status are started by its first event, too.
  const waitsForTime = exits.timeout !== undefined && Object.keys(exits).length === 1 && record.entered.version > 1
  // Under the same graph a stay without timers is what the code has wanted.
  if (!waitsForTime || open.length > 0 || record.writer.graph === ctx.contract.fingerprint) return []
  return (await ofStay('settled')).some(isKnown) ? [] : [{ reason: 'timer-missing' }]
}

async function callbackNeeds({ ctx, deaf, ask }: Question, record: RunRecord): Promise<readonly Need[]> {
  const needs: Need[] = []
  for (const status of deaf) {
    let after: string | undefined
    do {
      const page = { limit: itemsPage, ...(after === undefined ? undefined : { after }) }
      const { items, next } = await ask(() => ctx.store.items(record.runId, callbackStream(status), page))
      const waits = await Promise.all(items.map((item) => isAwaited(ctx, record, status, item)))
      after = next
      if (!waits.includes(true)) continue
      needs.push({ reason: 'callback-gone', name: status })
      break
    } while (after !== undefined)
  }
  return needs
}

/** Whether a callback has still a turn to come. One for a stay that is over is refused, whatever the code. */
async function isAwaited(ctx: EngineContext, record: RunRecord, status: string, item: StoredItem): Promise<boolean> {
  try {
    const body = (await ctx.codec.decode(item.body, record, 'item')) as CallbackBody | undefined
    return body !== undefined && (body.entered === undefined || (status === record.status && body.entered === record.entered.version))
  } catch (error) {
    // Somebody has sent it, and nobody will read it.
    if (isWorkflowError(error, 'StoreCorrupt')) return true
    throw error
  }
}

async function joinNeeds({ ctx, ask }: Question, record: RunRecord, exits: ExitsModel): Promise<readonly Need[]> {
  const parent = { runId: record.runId, join: joinOf(record.status, record.entered.version) }
  const child = (await ask(() => ctx.store.list({ parent }, { limit: 1 }))).items[0]
  if (child === undefined) return []
  const joined = exits.join === undefined ? undefined : ctx.contract.children.get(record.status)?.name
  return child.workflowName === joined ? [] : [{ reason: 'join-gone', name: child.workflowName }]
}
