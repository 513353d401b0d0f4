/**
 * Which unfinished runs this code would strand. Statuses are compared by counts, for all runs; what only the run itself
 * tells is read run by run, page by page, for as many as are asked for. Writes nothing, wakes nobody, and keeps nothing
 * but counts and a few ids.
 */
import type { Compatibility, CompatibilityOptions } from '../compatibility.ts'
import { InvalidArgument } from '../errors.ts'
import type { RunQuery } from '../model/run-query.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished, type RunState, runStates } from '../model/run-state.ts'
import { shown } from '../model/option-check.ts'
import type { EngineContext } from './engine-context.ts'
import { Findings } from './stranded.ts'
import { needsOf, type Timeouts } from './run-needs.ts'

const inspectDefault = 1_000
const samplesDefault = 10
const samplesMax = 1_000
/** Records come with their objects, so pages are small. */
const pageSize = 100
/** So many runs are asked about at once. */
const parallel = 16
const unfinishedStates: readonly RunState[] = runStates.filter((state) => !isFinished(state))

/** `timeouts`: those of the definition. */
export async function compatibility(ctx: EngineContext, timeouts: Timeouts, options: CompatibilityOptions): Promise<Compatibility> {
  const { inspect, samples, signal } = checked(ctx, options)
  const { contract } = ctx
  const counts = await asked(ctx, signal, () => ctx.store.count({ workflowName: contract.name, runState: unfinishedStates }, 'status'))
  const living = new Map([...counts].filter(([status]) => isLeft(ctx, status)))
  const lost = new Map([...counts].filter(([status]) => !living.has(status)))
  const findings = new Findings(ctx, samples)
  for (const [status, count] of lost) findings.addStatus(status, contract.graph.has(status) ? 'status-terminal' : 'status-gone', count)
  await walk({ ctx, signal, counts: lost, max: samples, visit: async (record) => findings.name(record) })

  const ask = <T>(work: () => Promise<T>): Promise<T> => asked(ctx, signal, work)
  const deaf = new Set([...contract.graph.keys(), ...lost.keys()].filter((status) => contract.graph.get(status)?.callback === undefined))
  let inspected = 0
  const visit = async (record: RunRecord): Promise<void> => {
    inspected += 1
    const needs = await needsOf({ ctx, timeouts, deaf, ask }, record)
    // What was read one after the other belongs together only if the run has not moved meanwhile.
    if (needs.length > 0 && (await ask(() => ctx.store.lookup(record.runId)))?.version === record.version)
      for (const need of needs) findings.add(record, need)
  }
  await walk({ ctx, signal, counts: living, max: inspect, visit })

  const isPart = (status: string): boolean => (living.get(status) ?? 0) > inspect
  const stranded = findings.listed(isPart)
  const unfinished = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return {
    workflowName: contract.name,
    ok: stranded.length === 0,
    known: unfinished > 0 || (await hasRuns(ctx, signal)),
    unfinished,
    inspected,
    complete: ![...living.keys()].some(isPart),
    stranded,
  }
}

/** Whether something leaves a status of the graph. */
function isLeft(ctx: EngineContext, status: string): boolean {
  const exits = ctx.contract.graph.get(status)
  return exits !== undefined && Object.keys(exits).length > 0
}

/** Runs to visit: of each status up to `max`. */
interface Walk {
  readonly ctx: EngineContext
  readonly signal: AbortSignal | undefined
  /** How many runs there are, by status. */
  readonly counts: ReadonlyMap<string, number>
  readonly max: number
  readonly visit: (record: RunRecord) => Promise<void>
}

/** One listing for all statuses that are wanted whole, because few runs among many are found by reading all. Of the others the oldest and the newest. */
async function walk(way: Walk): Promise<void> {
  const { counts, max, visit } = way
  const whole = [...counts].filter(([, count]) => count <= max).map(([status]) => status)
  await listed(way, whole, 'oldest', Infinity, visit)
  for (const [status, count] of counts) {
    if (count <= max) continue
    const old = new Set<string>()
    await listed(way, [status], 'oldest', Math.ceil(max / 2), async (record) => {
      old.add(record.runId)
      await visit(record)
    })
    // Fewer may be left by now than were counted: then the two ends meet.
    await listed(way, [status], 'newest', Math.floor(max / 2), async (record) => {
      if (!old.has(record.runId)) await visit(record)
    })
  }
}

async function listed(
  { ctx, signal }: Walk,
  status: readonly string[],
  order: 'oldest' | 'newest',
  max: number,
  visit: Walk['visit'],
): Promise<void> {
  const query: RunQuery = { workflowName: ctx.contract.name, runState: unfinishedStates, status, order }
  let after: string | undefined
  let left = status.length === 0 ? 0 : max
  while (left > 0) {
    const page = { limit: Math.min(pageSize, left), ...(after === undefined ? undefined : { after }) }
    const { items, next } = await asked(ctx, signal, () => ctx.store.list(query, page))
    for (let i = 0; i < items.length; i += parallel) await Promise.all(items.slice(i, i + parallel).map(visit))
    if (next === undefined) return
    left -= items.length
    after = next
  }
}

async function hasRuns(ctx: EngineContext, signal: AbortSignal | undefined): Promise<boolean> {
  let after: string | undefined
  do {
    const page = { limit: 1, ...(after === undefined ? undefined : { after }) }
    const { items, next } = await asked(ctx, signal, () => ctx.store.list({ workflowName: ctx.contract.name }, page))
    if (items.length > 0) return true
    after = next
  } while (after !== undefined)
  return false
}

/** One question to the store, which has `storeTimeout` to answer it: together they may take longer. */
async function asked<T>(ctx: EngineContext, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  const answer = ctx.storeLimit.run(work)
  if (signal === undefined) return await answer
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([answer, aborted.promise])
  } finally {
    // The signal is the caller's own, and there are many questions.
    signal.removeEventListener('abort', abort)
  }
}

function checked(
  ctx: EngineContext,
  options: CompatibilityOptions,
): { readonly inspect: number; readonly samples: number; readonly signal: AbortSignal | undefined } {
  const { inspect = inspectDefault, samples = samplesDefault, signal } = options
  const where = `compatibility() of workflow '${ctx.contract.name}'`
  if (inspect !== 'all' && !(Number.isSafeInteger(inspect) && inspect >= 0))
    throw new InvalidArgument(`${where}: inspect must be 'all' or a whole number of 0 or more; got ${shown(inspect)}`)
  if (!(Number.isSafeInteger(samples) && samples >= 0 && samples <= samplesMax))
    throw new InvalidArgument(`${where}: samples must be a whole number from 0 to ${samplesMax}; got ${shown(samples)}`)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidArgument(`${where}: signal must be an AbortSignal; got ${shown(signal)}`)
  return { inspect: inspect === 'all' ? Infinity : inspect, samples, signal }
}
