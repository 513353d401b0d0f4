import { InvalidArgument, WorkflowInProgress } from '../errors.ts'
import { shown } from '../model/option-check.ts'
import { validated } from '../schema.ts'
import type { EngineContext } from './engine-context.ts'
import { isTraceparent, spanOfTrigger } from './span-start.ts'
import { committedRecord, creation } from './transition.ts'

export interface TriggerInput {
  readonly initialValue: unknown
  readonly startAt?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly traceparent?: string
}

/**
 * Starts a run and returns its id. The id is chosen first and sent with one unit, so that a lost reply is asked for
 * again and never becomes a second run. `runId`: chosen by the caller, so that the same cause starts the same run. `audit`:
 * who started it by hand, and why.
 */
export function trigger(
  ctx: EngineContext,
  foreignId: string,
  input: TriggerInput,
  signal: AbortSignal,
  runId: string = ctx.ids.run(),
  audit?: { readonly reason: string; readonly actor: string },
): Promise<string> {
  const { span } = ctx.instrumentation
  // What cannot be started says so without a span.
  if (span === undefined || typeof foreignId !== 'string' || typeof input !== 'object' || input === null)
    return start(ctx, foreignId, input, signal, runId, audit)
  return span(spanOfTrigger(ctx.contract.name, 'trigger', runId, foreignId, input.traceparent), (traceparent) => {
    const traced = input.traceparent === undefined && traceparent !== undefined ? { ...input, traceparent } : input
    return start(ctx, foreignId, traced, signal, runId, audit)
  })
}

async function start(
  ctx: EngineContext,
  foreignId: string,
  input: TriggerInput,
  signal: AbortSignal,
  runId: string,
  audit: { readonly reason: string; readonly actor: string } | undefined,
): Promise<string> {
  assertForeignId(ctx, foreignId)
  if (typeof input !== 'object' || input === null)
    throw new InvalidArgument(`trigger('${foreignId}') of workflow '${ctx.contract.name}' needs { initialValue }`)
  assertMetadata(ctx, input.metadata)
  assertTraceparent(ctx, input.traceparent)
  const status = startOf(ctx, input.startAt)
  const checked = validated(
    ctx.contract.object,
    input.initialValue,
    () => `the initial value of '${foreignId}' of workflow '${ctx.contract.name}'`,
  )
  const value = checked instanceof Promise ? await checked : checked
  // Only now: a schema may have a default, or a better word for what is missing.
  if (value === undefined && !('initialValue' in input))
    throw new InvalidArgument(`trigger('${foreignId}') of workflow '${ctx.contract.name}' needs { initialValue }`)
  const encoded = ctx.codec.encode(value, { runId, foreignId })
  const object = encoded instanceof Promise ? await encoded : encoded
  const unitId = `trigger/${runId}`
  const change = creation(ctx, unitId, {
    runId,
    foreignId,
    status,
    object,
    metadata: input.metadata ?? {},
    ...(input.traceparent === undefined ? undefined : { traceparent: input.traceparent }),
    ...(audit === undefined
      ? undefined
      : { audit: { actor: audit.actor, reason: await ctx.codec.encodeReason(audit.reason, { runId, foreignId }) } }),
  })
  const sentAt = ctx.clock.monotonic()
  const result = await ctx.committer.commit({ id: unitId, changes: [change] }, signal)
  if (!result.ok) {
    const other = result.current?.runId ?? 'unknown'
    throw new WorkflowInProgress(
      `workflow '${ctx.contract.name}' has an unfinished run ${other} of '${foreignId}': wait for its end, or cancel it`,
      { details: { workflowName: ctx.contract.name, foreignId, runId: other } },
    )
  }
  const [seq] = result.seqs
  if (seq !== undefined && result.final && !result.replayed) {
    const record = committedRecord(change, seq)
    ctx.cache.put(record, sentAt)
    ctx.committed.notify(record, sentAt)
    ctx.measures.moved('trigger', undefined, change)
  }
  return runId
}

export function startOf(ctx: EngineContext, startAt: string | undefined): string {
  if (startAt === undefined) return ctx.contract.startDefault
  const exits = ctx.contract.graph.get(startAt)
  if (exits === undefined) throw new InvalidArgument(`workflow '${ctx.contract.name}' has no status ${quoted(startAt)} to start at`)
  if (Object.keys(exits).length === 0)
    throw new InvalidArgument(`workflow '${ctx.contract.name}' cannot start at '${startAt}': it is terminal`)
  return startAt
}

export function assertForeignId(ctx: EngineContext, foreignId: unknown): asserts foreignId is string {
  const problem = textProblem(foreignId, ctx.foreignIdLengthMax)
  if (problem !== undefined) throw new InvalidArgument(`the foreign id of a run of workflow '${ctx.contract.name}' ${problem}`)
}

export function assertRunId(ctx: EngineContext, runId: unknown): asserts runId is string {
  const problem = textProblem(runId, 255)
  if (problem !== undefined) throw new InvalidArgument(`the run id given to workflow '${ctx.contract.name}' ${problem}`)
}

export function assertKey(ctx: EngineContext, what: 'callback' | 'retry', key: unknown): void {
  if (key === undefined || textProblem(key, 255) === undefined) return
  throw new InvalidArgument(`the key of a ${what} of workflow '${ctx.contract.name}' must be a text of 1 to 255 characters`)
}

export function assertMetadata(ctx: EngineContext, metadata: unknown): void {
  if (metadata === undefined) return
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw new InvalidArgument(`the metadata of a run of workflow '${ctx.contract.name}' must be an object of texts`)
  for (const [key, value] of Object.entries(metadata)) {
    const problem = textProblem(key, 255) ?? (value === '' ? undefined : textProblem(value, 4_096))
    if (problem !== undefined)
      throw new InvalidArgument(`the metadata ${quoted(key)} of a run of workflow '${ctx.contract.name}' ${problem}`)
  }
}

function assertTraceparent(ctx: EngineContext, traceparent: unknown): void {
  if (traceparent === undefined || isTraceparent(traceparent)) return
  throw new InvalidArgument(
    `the traceparent given to workflow '${ctx.contract.name}' is not one of W3C Trace Context, like '00-<32 hex>-<16 hex>-01'`,
  )
}

/** What is wrong with a text that must be stored, compared and printed everywhere; undefined if nothing. */
function textProblem(value: unknown, lengthMax: number): string | undefined {
  if (typeof value !== 'string') return `must be a string; got ${typeof value}`
  if (value === '') return 'must not be empty'
  if (value.length > lengthMax) return `must have at most ${lengthMax} characters; got ${value.length}`
  if (value.includes('\0') || !value.isWellFormed()) return 'must not contain NUL or half of a surrogate pair'
  return undefined
}

/** For callers that need a status from outside to exist. */
export function assertStatus(ctx: EngineContext, status: unknown): asserts status is string {
  if (typeof status === 'string' && ctx.contract.graph.has(status)) return
  throw new InvalidArgument(
    `workflow '${ctx.contract.name}' has no status ${shown(status)}: it has ${[...ctx.contract.graph.keys()].map((name) => `'${name}'`).join(', ')}`,
  )
}

/** A name as messages write it, cut where it is absurdly long. */
function quoted(value: unknown): string {
  return typeof value === 'string' ? `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'` : shown(value)
}
