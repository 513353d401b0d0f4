/**
 * Hands a callback to a run: checked here, stored in the run's inbox over exactly the version that was read, handled by
 * whoever holds the run's slot. Once it is stored, it is handled or refused aloud, whatever happens to this process.
 */
import { CallbackFailed, Contention, InvalidArgument, RunNotFound, RunNotWaiting } from '../errors.ts'
import { type Duration } from '../model/duration.ts'
import type { RunRecord } from '../model/run-record.ts'
import { isFinished } from '../model/run-state.ts'
import type { AnySnapshot } from '../run.ts'
import { validated } from '../schema.ts'
import { noteOf } from './attempt-notes.ts'
import { untilFound } from './await-run.ts'
import { type CallbackBody, callbackUnitId } from './callback-item.ts'
import type { EngineContext } from './engine-context.ts'
import { snapshotOf } from './snapshot.ts'
import { assertForeignId, assertKey, assertRunId, assertStatus } from './trigger.ts'
import { eventAgain } from './transition.ts'
import type { Watch } from './watch.ts'
import { callbackStream, processNames } from './worker-context.ts'

export interface TargetInput {
  readonly runId?: string
  readonly foreignId?: string
}

export interface CallbackInput {
  readonly queue?: boolean
  readonly wait?: boolean
  readonly key?: string
  readonly signal?: AbortSignal
  readonly timeout?: Duration
}

export interface Receipt {
  readonly runId: string
  readonly key: string
  readonly queued: boolean
}

const triesMax = 32
/** No run has this version: an append on this condition succeeds only for an item that is known already. */
const impossibleVersion = Number.MAX_SAFE_INTEGER

export async function sendCallback(
  ctx: EngineContext,
  watch: Watch,
  target: TargetInput,
  status: string,
  payload: unknown,
  input: CallbackInput,
): Promise<Receipt | AnySnapshot> {
  assertStatus(ctx, status)
  if (ctx.contract.graph.get(status)?.callback === undefined)
    throw new InvalidArgument(`no callback leaves '${status}' of workflow '${ctx.contract.name}'`)
  assertKey(ctx, 'callback', input.key)
  const schema = ctx.contract.payloads.get(status)
  if (schema === undefined && payload !== undefined)
    throw new InvalidArgument(
      `the callback for '${status}' of workflow '${ctx.contract.name}' carries nothing: declare its payload in the contract, or leave it out`,
    )
  if (schema !== undefined)
    await validated(schema, payload, () => `the payload of a callback for '${status}' of workflow '${ctx.contract.name}'`)
  // Only the handing in is limited: how long to wait for the handler is the caller's to say.
  const { receipt, entered } = await ctx.storeLimit.run(
    async (signal) => await accept(ctx, await targetOf(ctx, target), target, status, payload, input, signal),
  )
  return input.wait === true ? await handled(ctx, watch, receipt, status, entered, input) : receipt
}

async function accept(
  ctx: EngineContext,
  first: RunRecord,
  target: TargetInput,
  status: string,
  payload: unknown,
  input: CallbackInput,
  signal: AbortSignal,
): Promise<{ readonly receipt: Receipt; readonly entered: number | undefined }> {
  const key = input.key ?? ctx.ids.unit()
  const stream = callbackStream(status)
  let record = first
  for (let tries = 0; tries < triesMax; tries++) {
    if (tries > 0) record = await targetOf(ctx, target)
    const waits = record.status === status && (record.runState === 'Initiated' || record.runState === 'Running')
    const queued = !waits && input.queue === true && !isFinished(record.runState)
    // A key that was accepted before is answered as before, wherever the run has got to.
    if (!waits && !queued && input.key === undefined) throw notWaiting(ctx, record, status, input)
    const body: CallbackBody = {
      ...(payload === undefined ? undefined : { payload }),
      ...(waits && input.queue !== true ? { entered: record.entered.version } : undefined),
      ...(input.wait === true ? { wait: true } : undefined),
    }
    const result = await ctx.committer.commit(
      {
        id: ctx.ids.unit(),
        append: [
          {
            runId: record.runId,
            stream,
            id: key,
            body: await ctx.codec.encode(body, record, 'item'),
            ifUnfinished: waits || queued,
            ...(queued ? undefined : { ifVersion: waits ? record.version : impossibleVersion }),
          },
        ],
        emit: [{ ...eventAgain(ctx, record, 'wake'), topics: ctx.topics.at(status) }],
      },
      signal,
    )
    if (result.ok) {
      // Something beside the version has changed: whoever works for this run here must look again.
      ctx.cache.forget(record)
      return { receipt: { runId: record.runId, key, queued }, entered: waits && input.queue !== true ? record.entered.version : undefined }
    }
    if (!waits && !queued) throw notWaiting(ctx, record, status, input)
    if (result.reason === 'finished') throw notWaiting(ctx, result.current ?? record, status, input)
  }
  throw new Contention(
    `run ${record.runId} of workflow '${ctx.contract.name}' kept moving while a callback for '${status}' was handed in: try again`,
    { details: { runId: record.runId } },
  )
}

/** Waits until the callback has been handled. */
async function handled(
  ctx: EngineContext,
  watch: Watch,
  receipt: Receipt,
  status: string,
  entered: number | undefined,
  input: CallbackInput,
): Promise<AnySnapshot> {
  const stream = callbackStream(status)
  const look = async (): Promise<AnySnapshot | undefined> => {
    // The record first: an item that is still there afterwards was not what moved the run to where it is.
    const record = await ctx.store.lookup(receipt.runId)
    const page = await ctx.store.items(receipt.runId, stream, { limit: 1_000 })
    const place = page.items.findIndex((item) => item.id === receipt.key)
    if (record === undefined)
      throw new RunNotFound(`run ${receipt.runId} of workflow '${ctx.contract.name}' is gone`, { details: { runId: receipt.runId } })
    // Nobody will handle it any more: the stay that it was meant for is over, or the run is.
    if (place >= 0 && (isFinished(record.runState) || (entered !== undefined && entered !== record.entered.version)))
      throw left(ctx, record, receipt, status)
    if (place === 0) {
      const note = noteOf(record, processNames.callback(status))
      if (note?.kind !== 'failed' && (receipt.queued || record.pause?.by !== 'engine')) return undefined
      const error =
        note === undefined
          ? { message: await ctx.codec.decodeReason(record.pause?.reason, record) }
          : await ctx.codec.decodeError(note.error, record)
      throw new CallbackFailed(
        `the handler of callback '${receipt.key}' for '${status}' of run ${receipt.runId} of workflow '${ctx.contract.name}' failed: ${error?.message ?? 'unknown'}. It stays in the run's inbox${note?.retryAt === undefined ? '' : ` and is tried again at ${note.retryAt.toISOString()}`}`,
        { details: { runId: receipt.runId, key: receipt.key } },
      )
    }
    if (place > 0 || (page.next !== undefined && place < 0)) return undefined
    return await appliedSnapshot(ctx, record, receipt, status)
  }
  return await untilFound(ctx, watch, receipt.runId, input, { what: `the end of callback '${receipt.key}'`, wants: () => true, look })
}

/** The run as the callback left it. Throws `RunNotWaiting` if it was refused because the stay was over. */
async function appliedSnapshot(ctx: EngineContext, record: RunRecord, receipt: Receipt, status: string): Promise<AnySnapshot> {
  let after: string | undefined
  do {
    const page = await ctx.store.history(receipt.runId, {
      fromVersion: 1,
      limit: 200,
      objects: true,
      ...(after === undefined ? undefined : { after }),
    })
    for (const entry of page.items) {
      const state = entry.states.at(-1)
      if (entry.unitId === callbackUnitId(receipt.runId, receipt.key, entry.version - 1) && state !== undefined) {
        return { ...(await snapshotOf(ctx, record, entry.object)), status: entry.to, state, version: entry.version, updatedAt: entry.at }
      }
    }
    after = page.next
  } while (after !== undefined)
  throw left(ctx, record, receipt, status)
}

function left(ctx: EngineContext, record: RunRecord, receipt: Receipt, status: string): RunNotWaiting {
  return new RunNotWaiting(
    `run ${receipt.runId} of workflow '${ctx.contract.name}' left '${status}' before callback '${receipt.key}' could be handled: it is ${record.runState} at '${record.status}'`,
    { details: { runId: receipt.runId, key: receipt.key } },
  )
}

async function targetOf(ctx: EngineContext, target: TargetInput): Promise<RunRecord> {
  const given = typeof target === 'object' && target !== null ? target : {}
  if ((given.runId === undefined) === (given.foreignId === undefined)) {
    throw new InvalidArgument(`a callback of workflow '${ctx.contract.name}' goes to { runId } or to { foreignId }, to exactly one of them`)
  }
  if (given.runId !== undefined) assertRunId(ctx, given.runId)
  else assertForeignId(ctx, given.foreignId)
  const record =
    given.runId !== undefined ? await ctx.store.lookup(given.runId) : await ctx.store.latest(ctx.contract.name, given.foreignId ?? '')
  if (record === undefined || record.workflowName !== ctx.contract.name) {
    throw new RunNotFound(`workflow '${ctx.contract.name}' has no run ${given.runId ?? `of '${given.foreignId}'`}`, {
      details: { ...given },
    })
  }
  return record
}

function notWaiting(ctx: EngineContext, record: RunRecord, status: string, input: CallbackInput): RunNotWaiting {
  const way = isFinished(record.runState)
    ? 'it is finished'
    : input.queue === true
      ? 'it has moved'
      : 'pass { queue: true } to leave it in the inbox until the run waits for it'
  return new RunNotWaiting(
    `run ${record.runId} ('${record.foreignId}') of workflow '${ctx.contract.name}' does not wait for a callback for '${status}': it is ${record.runState} at '${record.status}'; ${way}`,
    { details: { runId: record.runId, status: record.status, runState: record.runState } },
  )
}
