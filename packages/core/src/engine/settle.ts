/**
 * Turns what a handler returned into one unit and commits it: the transition, its timers, the callback that it consumes,
 * the children that it starts. If the process dies before the commit, nothing happened and the handler runs again with
 * the same idempotency key; after it, everything happened.
 */
import { type ErrorCode, InvalidOutcome, isWorkflowError, Unsupported } from '../errors.ts'
import type { AttemptNote } from '../model/attempt-note.ts'
import type { Payload } from '../model/payload.ts'
import { isFinished } from '../model/run-state.ts'
import type { TimerOp } from '../model/timer.ts'
import type { Change, Committed, Refused, Unit } from '../model/unit.ts'
import type { Attempt } from './attempt-task.ts'
import { callbackUnitId } from './callback-item.ts'
import { childChanges } from './child.ts'
import { entryTimers } from './entry-timers.ts'
import { fail, retryName, settleRetry } from './failure.ts'
import type { CommitValue, HandlerRun, OutcomeValue } from './handler-run.ts'
import { again, done, leave, type Verdict } from './run-task.ts'
import { advance, changeState, committedRecord, eventAgain, type MoveNote, parentWake } from './transition.ts'
import { sleep } from './waiting.ts'
import { callbackStream } from './worker-context.ts'

export interface Success {
  readonly count: number
  readonly startedAt: number
  readonly durationMs: number
  /** Of the span around the handler: what it has started hangs below it. */
  readonly traceparent: string | undefined
}

/** What the handler decided, as the parts of a unit. */
interface Decision {
  readonly change?: Change
  readonly timers?: readonly TimerOp[]
  /** The step looked and chose to leave the run where it is. */
  readonly skipped?: boolean
  readonly write?: CommitValue['write']
}

/** Chained by hand where that is possible: this runs for every transition of every run. */
export function settle(a: Attempt, run: HandlerRun, returned: unknown, success: Success): Promise<Verdict> {
  const { ctx, record } = a
  const unitId = a.item === undefined ? ctx.ids.unit() : callbackUnitId(record.runId, a.item.stored.id, record.version)
  try {
    const object = ctx.codec.encode(run.object, record)
    if (object instanceof Promise || run.children.length > 0) return settleSlowly(a, run, returned, object, unitId, success)
    const decision = decide(a, run, returned, object, unitId, success)
    if (decision instanceof Promise) return settleSlowly(a, run, returned, object, unitId, success, decision)
    return write(a, unitOf(a, decision, noChildren, unitId, success), decision, success)
  } catch (error) {
    return undecided(a, error, success)
  }
}

async function settleSlowly(
  a: Attempt,
  run: HandlerRun,
  returned: unknown,
  encoded: Payload | Promise<Payload>,
  unitId: string,
  success: Success,
  decided?: Promise<Decision>,
): Promise<Verdict> {
  let unit: Unit
  let decision: Decision
  try {
    decision = await (decided ?? decide(a, run, returned, await encoded, unitId, success))
    const children =
      run.children.length === 0
        ? noChildren
        : await childChanges(a.ctx, unitId, a.record, decision.change?.next ?? a.record, run.children, run.traceparent)
    unit = unitOf(a, decision, children, unitId, success)
  } catch (error) {
    return await undecided(a, error, success)
  }
  return await write(a, unit, decision, success)
}

function write(a: Attempt, unit: Unit, decision: Decision, success: Success): Promise<Verdict> {
  const sentAt = a.ctx.clock.monotonic()
  const next = (result: Committed | Refused): Verdict | Promise<Verdict> => conclude(a, unit, decision, result, success, sentAt)
  const { signal } = a.held
  const failed = (error: unknown): Verdict | Promise<Verdict> =>
    signal.aborted ? leave : fail(a, { ...success, error, fatal: isOfUnit(error) })
  return decision.write === undefined
    ? a.ctx.committer.committed(unit, signal, next, failed)
    : commitWith(a, unit, decision.write).then(next, failed)
}

/**
 * Whether trying to write the same again cannot help. A store that says `Configuration` (a password that was changed, a right that was
 * taken, a certificate that is out of date) means every run alike, and none has to change when it is mended.
 */
function isOfUnit(error: unknown): boolean {
  return isWorkflowError(error) && !error.retryable && error.code !== 'Configuration'
}

/** What the handler gave back cannot be stored, or its graph does not allow it: the handler must change. */
function undecided(a: Attempt, error: unknown, success: Success): Promise<Verdict> {
  return fail(a, { ...success, error, fatal: isWorkflowError(error) && hopeless.has(error.code) })
}

/** No attempt will do better until the code, or what is stored, has changed. */
const hopeless: ReadonlySet<ErrorCode> = new Set([
  'InvalidOutcome',
  'NotSerializable',
  'ObjectTooLarge',
  'Configuration',
  'InvalidArgument',
  'Validation',
  'NonRetryable',
  'Unsupported',
  'StoreCorrupt',
  'Shredded',
])

function conclude(
  a: Attempt,
  unit: Unit,
  decision: Decision,
  result: Committed | Refused,
  success: Success,
  sentAt: number,
): Verdict | Promise<Verdict> {
  const { ctx, record } = a
  if (!result.ok) {
    ctx.cache.forget(record)
    if (result.reason === 'in-progress') {
      return fail(a, {
        ...success,
        error: new InvalidOutcome(
          `a child could not start: run ${result.current?.runId} of workflow '${result.current?.workflowName}' has the foreign id '${result.current?.foreignId}' and is not finished`,
        ),
        fatal: false,
      })
    }
    // Somebody else has moved the run, or a callback has come in: look again, and never overwrite.
    return again
  }
  if (unit.timers !== undefined) ctx.timersChanged(unit.timers)
  const { change } = decision
  const seq = result.seqs[0]
  if (change === undefined || seq === undefined) {
    ctx.cache.forget(record)
    // A callback that was skipped makes room for the next one in the inbox.
    return a.kind === 'callback' ? again : done
  }
  if (record.runState !== change.next.runState) ctx.measures.moved(a.process.name, record.runState, change)
  for (const child of unit.changes ?? noChildren) if (child !== change) ctx.measures.moved(a.process.name, undefined, child)
  const next = committedRecord(change, seq)
  ctx.cache.put(next, sentAt)
  ctx.committed.notify(next, sentAt)
  return isFinished(next.runState) || next.runState === 'Paused' || change.event.topics.length === 0 ? done : { kind: 'next', record: next }
}

/** Reads a handler's answer. Throws `InvalidOutcome` for what the graph does not allow. */
function decide(
  a: Attempt,
  run: HandlerRun,
  returned: unknown,
  object: Payload,
  unitId: string,
  success: Success,
): Decision | Promise<Decision> {
  const { kind } = a
  const note: MoveNote = { by: kind, attempt: success.count, durationMs: success.durationMs }
  if (run.made !== undefined && run.made !== returned) {
    const made = '~commit' in run.made ? 'commit' : run.made['~outcome']
    throw new InvalidOutcome(`${where(a)} made an outcome by run.${made}() and returned something else: write \`return run.${made}(…)\``)
  }
  if (typeof returned === 'string') return moveTo(a, returned, object, unitId, note)
  const outcome = returned as OutcomeValue | CommitValue | null | undefined
  if (typeof outcome !== 'object' || outcome === null || run.made !== outcome) {
    throw new InvalidOutcome(
      `${where(a)} returned ${describe(returned)}: return one of ${destinationsOf(a)
        .map((to) => `'${to}'`)
        .join(', ')}, or an outcome of this run`,
    )
  }
  return decideOutcome(a, outcome, object, unitId, note)
}

async function decideOutcome(
  a: Attempt,
  outcome: OutcomeValue | CommitValue,
  object: Payload,
  unitId: string,
  note: MoveNote,
): Promise<Decision> {
  const { ctx, record, kind } = a
  if ('~commit' in outcome) return { ...(await moveTo(a, outcome['~commit'], object, unitId, note)), write: outcome.write }
  const edited = !equalBytes(object.bytes, record.object.bytes)
  switch (outcome['~outcome']) {
    case 'saveAndRepeat':
      return { change: advance(ctx, unitId, record, { to: record.status, object, note, stay: 'repeat' }) }
    case 'skip': {
      const moves = edited || a.item?.body.wait === true
      const change = moves ? advance(ctx, unitId, record, { to: record.status, object, note, stay: 'keep' }) : undefined
      return { skipped: kind !== 'timeout', ...(change === undefined ? undefined : { change }) }
    }
    case 'pause': {
      const reason = await ctx.codec.encodeReason(outcome.reason ?? '', record)
      return {
        change: changeState(
          ctx,
          unitId,
          record,
          'Paused',
          { ...note, reason },
          { object, pause: { by: 'person', actor: a.process.name, reason } },
        ),
        timers: [{ hold: record.runId }],
      }
    }
    case 'cancel': {
      const reason = await ctx.codec.encodeReason(outcome.reason ?? '', record)
      return {
        change: changeState(ctx, unitId, record, 'Cancelled', { ...note, reason }, { object }),
        timers: [{ cancelOwner: record.runId }],
      }
    }
  }
}

function moveTo(a: Attempt, to: string, object: Payload, unitId: string, note: MoveNote): Decision | Promise<Decision> {
  const { ctx, record, kind } = a
  const destinations = destinationsOf(a)
  if (!destinations.includes(to)) {
    throw new InvalidOutcome(
      `${where(a)} returned '${to}', and the graph leads its ${kind} only to ${destinations.map((name) => `'${name}'`).join(', ')}`,
    )
  }
  const change = advance(ctx, unitId, record, { to, object, note, stay: 'enter' })
  const exits = ctx.contract.graph.get(record.status)
  // A callback that was accepted meanwhile goes first.
  const guarded: Change =
    kind !== 'callback' && exits?.callback !== undefined ? { ...change, ifEmpty: callbackStream(record.status) } : change
  const cancelled: readonly TimerOp[] = exits?.timeout === undefined ? noTimers : [{ cancelOwner: record.runId }]
  if (!ctx.definition.timeouts.has(to)) return { change: guarded, timers: cancelled }
  return entryTimers(ctx, committedRecord(change, record.seq)).then((opened) => ({ change: guarded, timers: [...cancelled, ...opened] }))
}

const noTimers: readonly TimerOp[] = []
const noChildren: readonly Change[] = []

function unitOf(a: Attempt, decision: Decision, children: readonly Change[], id: string, success: Success): Unit {
  const { ctx, record, task } = a
  const { change } = decision
  const settled: readonly TimerOp[] =
    a.kind !== 'timeout' || task.timer === undefined
      ? settleRetry(a)
      : // Held with the run, it brings the handler back after the resume: nothing else might.
        change?.next.runState === 'Paused'
        ? noTimers
        : [{ settle: task.timer.key, as: 'completed' }]
  const moved = decision.timers ?? noTimers
  const unit: { -readonly [Key in keyof Unit]: Unit[Key] } = { id }
  if (change !== undefined) unit.changes = children.length === 0 ? [change] : [change, ...children]
  if (a.item !== undefined) unit.consume = [{ runId: record.runId, stream: a.item.stored.stream, through: a.item.stored.pos }]
  if (settled.length > 0 || moved.length > 0) unit.timers = [...settled, ...moved]
  const kept =
    change !== undefined && change.event.topics.length === 0 && !isFinished(change.next.runState) && change.next.runState !== 'Paused'
      ? keptNotes(a, change.next.version)
      : noNotes
  // A callback's skip is noted only to take the place of the failures before it.
  const skipped = decision.skipped === true && (a.kind !== 'callback' || success.count > 1)
  if (skipped || kept.length > 0)
    unit.attempts = [...kept, ...(skipped ? [skippedNote(a, change?.next.version ?? record.version, success)] : noNotes)]
  const carried = kept.flatMap((note) => retryOf(a, note))
  if (carried.length > 0) unit.timers = [...(unit.timers ?? noTimers), ...carried]
  const wake = change !== undefined && isFinished(change.next.runState) ? parentWake(ctx, record) : undefined
  if (wake !== undefined) unit.emit = [wake]
  // The version is new and nothing is to be done for it, but the next callback in the inbox still waits for its turn.
  else if (change !== undefined && change.event.topics.length === 0 && (a.kind === 'callback' || a.kind === 'timeout'))
    unit.emit = [{ ...eventAgain(ctx, record, 'wake'), version: change.next.version }]
  // Nor would anything else than this process know of the next callback: its event was acknowledged while the timer stood.
  else if (change === undefined && a.kind === 'callback' && task.cause === 'timer') unit.emit = [eventAgain(ctx, record, 'wake')]
  return unit
}

const noNotes: readonly AttemptNote[] = []

/** What is known against the other processes of the stay stays known when a skip saves its edits as a new version. */
function keptNotes(a: Attempt, version: number): readonly AttemptNote[] {
  return (a.record.attempts ?? noNotes).filter((note) => note.process !== a.process.name).map((note) => ({ ...note, version }))
}

/** The retry that a kept note speaks of: the timer of the version before is stale now. */
function retryOf(a: Attempt, note: AttemptNote): readonly TimerOp[] {
  if (note.kind !== 'failed' || note.retryAt === undefined) return noTimers
  const key = { kind: 'retry', owner: note.runId, epoch: note.version, name: retryName(note.process, note.attempt, note.retryAt) } as const
  return [{ put: { key, workflowName: a.record.workflowName, slot: a.held.slot, at: note.retryAt, held: false, attempt: note.attempt } }]
}

function skippedNote(a: Attempt, version: number, success: Success): NonNullable<Unit['attempts']>[number] {
  return {
    runId: a.record.runId,
    version,
    process: a.process.name,
    kind: 'skipped',
    attempt: success.count,
    startedAt: new Date(success.startedAt),
    instance: a.ctx.instance,
  }
}

/** How long a transaction waits for a lock elsewhere before it asks again. */
const busyMs = 10

class RolledBack extends Error {
  readonly result: Committed | Refused
  constructor(result: Committed | Refused) {
    super('rolled back')
    this.result = result
  }
}

/** The user's rows and the transition in one transaction: both or neither. */
async function commitWith(a: Attempt, unit: Unit, write: CommitValue['write']): Promise<Committed | Refused> {
  const { store } = a.ctx
  if (store.transaction === undefined)
    throw new Unsupported(
      `the record store of workflow '${a.record.workflowName}' has no transactions, and ${where(a)} asks for one by run.commit()`,
    )
  try {
    return await store.transaction(
      async (tx, commit) => {
        await write(tx)
        for (;;) {
          const result = await commit(unit)
          if (!result.ok && result.reason === 'busy') {
            await sleep(a.ctx.clock, busyMs, a.held.signal)
            continue
          }
          // Replayed: the rows were written with it, by the attempt whose reply was lost. These must not stay.
          if (!result.ok || result.replayed) throw new RolledBack(result)
          return { ...result, final: true }
        }
      },
      { signal: a.held.signal },
    )
  } catch (error) {
    if (error instanceof RolledBack) return error.result
    throw error
  }
}

function destinationsOf(a: Attempt): readonly string[] {
  return a.ctx.contract.graph.get(a.record.status)?.[a.kind] ?? []
}

function where(a: Attempt): string {
  return `the handler of '${a.process.name}' of workflow '${a.record.workflowName}' (run ${a.record.runId})`
}

function describe(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value === 'object' && value !== null)
    return '~outcome' in value || '~commit' in value ? 'an outcome of another run' : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && Buffer.compare(one, other) === 0
}
