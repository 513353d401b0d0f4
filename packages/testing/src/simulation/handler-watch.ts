/** What handlers may do: under which lease, how many at once, as which attempt, with which key. */
import { roleOf, slotOf, type AttemptNote, type Change } from '@workflow/core/adapter'
import type { Oracle } from './oracle.ts'
import type { RunModel } from './run-model.ts'
import type { SimProcess } from './sim-process.ts'

/** A handler at work, as it is seen from within. */
export interface WatchedRun {
  readonly workflowName: string
  readonly runId: string
  readonly status: string
  readonly version: number
  readonly attempt: number
  readonly idempotencyKey: string
  readonly signal: AbortSignal
  readonly object: unknown
  /** The runs that it starts. */
  readonly children?: readonly unknown[]
}

/** What a handler wants, in one place of the trace. */
interface Decision {
  /** Absent: an outcome of another kind than a status. */
  readonly to: string | undefined
  readonly children: number
  readonly object: string
}

/** A handler that has started and not ended. */
interface Active {
  readonly process: SimProcess
  /** Its signal is made by the first who asks: nobody does where nothing overlaps. */
  readonly run: Pick<WatchedRun, 'signal'>
}

const decoder = new TextDecoder()

export class HandlerWatch {
  readonly #oracle: Oracle
  readonly #active = new Map<string, Set<Active>>()
  readonly #callbacks = new Set<string>()
  /** What the handlers of a run have decided, by process, version and kind, while it is at that version. */
  readonly #decided = new Map<string, Decision[]>()
  /** Attempts after which there must not be another. */
  readonly #last = new Set<string>()
  /** Which stay and repeat a key belongs to. */
  readonly #keys = new Map<string, string>()
  started = 0

  readonly #attemptsMax: (name: string) => number | undefined

  constructor(oracle: Oracle, attemptsMax: (name: string) => number | undefined) {
    this.#oracle = oracle
    this.#attemptsMax = attemptsMax
  }

  /** Whether a handler was given this callback. */
  sawCallback(runId: string, id: string): boolean {
    return this.#callbacks.has(`${runId}\n${id}`)
  }

  /** Whether a handler of the run has begun and not returned, in a process that lives. */
  isAtWork(runId: string): boolean {
    return [...(this.#active.get(runId) ?? [])].some(({ process }) => process.alive)
  }

  /** A handler begins. Returns what is to be called when it ends, however it does. */
  start(process: SimProcess, name: string, run: WatchedRun, callback?: string): () => void {
    this.started++
    const oracle = this.#oracle
    if (callback !== undefined) this.#callbacks.add(`${run.runId}\n${callback}`)
    process.world.trace(() => `${process.name}: handler '${name}' of ${oracle.nameOf(run.runId)} starts, attempt ${run.attempt}`)
    this.#underLease(process, name, run)
    this.#alone(process, name, run)
    this.#attempt(process, name, run)
    this.#key(run)
    const active: Active = { process, run }
    let all = this.#active.get(run.runId)
    if (all === undefined) this.#active.set(run.runId, (all = new Set()))
    all.add(active)
    return () => all.delete(active)
  }

  /** A handler has returned. */
  decided(process: SimProcess, kind: string, run: WatchedRun, returned: unknown): void {
    const place = `${process.ordinal}/${run.runId}/${run.version}/${kind}`
    let all = this.#decided.get(place)
    if (all === undefined) this.#decided.set(place, (all = []))
    const chosen = returned as { readonly '~commit'?: string } | string | null
    const to = typeof chosen === 'string' ? chosen : chosen?.['~commit']
    all.push({ to, children: run.children?.length ?? 0, object: JSON.stringify(run.object) })
  }

  /** A handler has said that trying again cannot help. */
  failedForGood(process: SimProcess, name: string, run: WatchedRun): void {
    this.#last.add(`${process.ordinal}/${run.runId}/${run.version}/${name}#${run.attempt}`)
  }

  #underLease(process: SimProcess, name: string, run: WatchedRun): void {
    const lease = process.leases.get(roleOf(run.workflowName, slotOf(run.runId, process.world.slots)))
    if (lease?.isValid() === true) return
    this.#oracle.fail(
      'one writer per role',
      `${process.name} starts '${name}' for ${this.#oracle.nameOf(run.runId)} ${lease === undefined ? 'without holding its role' : 'under a lease that is over'}`,
    )
  }

  #alone(process: SimProcess, name: string, run: WatchedRun): void {
    for (const other of this.#active.get(run.runId) ?? []) {
      if (!other.process.alive || other.run.signal.aborted) continue
      // Who does not know that it has lost its role cannot stop; its writes are refused by their version.
      if (other.process !== process && (other.process.deceived || process.deceived)) continue
      this.#oracle.fail(
        'one writer per role',
        `${process.name} starts '${name}' for ${this.#oracle.nameOf(run.runId)} while a handler of it runs in ${other.process.name}`,
      )
    }
  }

  #attempt(process: SimProcess, name: string, run: WatchedRun): void {
    const model = this.#oracle.runs.get(run.runId)
    if (model === undefined || model.version !== run.version) return
    const note = model.notes.get(name)
    // Who does not know that it has lost its role cannot know, either, what its successor has noted.
    const unheard = note !== undefined && note.writer !== process.ordinal && (process.deceived || note.stray)
    if (!unheard && note?.retryAtMs !== undefined && note.retryAtMs > process.clock.latest)
      this.#oracle.fail(
        'retries counted',
        `${this.#oracle.nameOf(run.runId)}: attempt ${run.attempt} of '${name}' starts ${note.retryAtMs - process.clock.latest} ms before its back-off is over`,
      )
    const failed = note?.kind === 'failed' ? note.attempt : 0
    if (run.attempt > failed + 1 || (run.attempt < failed + 1 && note?.writer === process.ordinal))
      this.#oracle.fail(
        'retries counted',
        `${this.#oracle.nameOf(run.runId)}: '${name}' runs as attempt ${run.attempt} after ${failed} that failed`,
      )
  }

  #key(run: WatchedRun): void {
    const model = this.#oracle.runs.get(run.runId)
    if (model === undefined || model.version !== run.version) return
    const stay = `${run.runId}/${model.enteredVersion}/${model.repeat}`
    const known = this.#keys.get(run.idempotencyKey)
    if (known === undefined) this.#keys.set(run.idempotencyKey, stay)
    else if (known !== stay)
      this.#oracle.fail('same key, same stay', `the key ${run.idempotencyKey} stands for the stays ${known} and ${stay}`)
    const own = this.#keys.get(`stay ${stay}`)
    if (own === undefined) this.#keys.set(`stay ${stay}`, run.idempotencyKey)
    else if (own !== run.idempotencyKey)
      this.#oracle.fail('same key, same stay', `the stay ${stay} has the keys ${own} and ${run.idempotencyKey}`)
  }

  /** A note about an attempt was committed. */
  noted(note: AttemptNote, run: RunModel | undefined, process: SimProcess): void {
    if (run === undefined || note.version !== run.version) return
    const before = run.notes.get(note.process)
    const carried = run.notesBefore.get(note.process)
    if (note.kind === 'failed' && before?.kind === 'failed' && note.attempt < before.attempt && before.writer !== process.ordinal) return
    if (note.kind === 'failed' && (before !== undefined || carried?.kind !== 'failed' || carried.attempt !== note.attempt)) {
      const count = before?.kind === 'failed' ? before.attempt : 0
      if (note.attempt > count + 1 || (note.attempt <= count && before?.writer === process.ordinal))
        this.#oracle.fail(
          'retries counted',
          `${this.#oracle.nameOf(run.runId)}: '${note.process}' notes attempt ${note.attempt} after ${count} that failed`,
        )
    }
    if (note.kind === 'failed' && this.#isLast(note, process))
      this.#oracle.fail(
        'retries counted',
        `${this.#oracle.nameOf(run.runId)}: attempt ${note.attempt} of '${note.process}' must be the last, and is to be followed by another`,
      )
    if (note.kind === 'failed') run.failed = true
    run.notes.set(note.process, {
      kind: note.kind,
      attempt: note.attempt,
      writer: process.ordinal,
      stray: process.deceived,
      retryAtMs: note.retryAt?.getTime(),
    })
  }

  #isLast({ process: name, runId, version, attempt }: AttemptNote, process: SimProcess): boolean {
    return this.#last.has(`${process.ordinal}/${runId}/${version}/${name}#${attempt}`) || attempt >= (this.#attemptsMax(name) ?? Infinity)
  }

  /** Before a run moves by what a handler has decided. */
  movedAsDecided(run: RunModel, { next, history }: Change, children: number, process: SimProcess): void {
    const decisions = this.#decided.get(`${process.ordinal}/${run.runId}/${run.version}/${history.by}`) ?? []
    const object = next.object.codec === 'json' ? decoder.decode(next.object.bytes) : undefined
    const enters = next.entered.version === next.version
    for (const each of decisions) {
      if (each.children === children && (!enters || each.to === next.status) && (object === undefined || each.object === object)) return
    }
    this.#oracle.fail(
      children > 0 || decisions.some((each) => each.children > 0) ? 'children joined' : 'legal path',
      `${this.#oracle.nameOf(run.runId)} came to '${next.status}' by a ${history.by} with ${children} children and ${object}, and its handler decided ${JSON.stringify(decisions)}`,
    )
  }

  /** Before a run moves. */
  moving(run: RunModel, { next, history }: Change, process: SimProcess): void {
    if (history.by !== 'engine' || next.runState !== 'Paused') return
    const counts = [...run.notes.values()].map(({ attempt }) => attempt)
    if (history.attempt === 1 || counts.some((count) => history.attempt === count + 1 || history.attempt === count)) return
    this.#oracle.fail(
      'retries counted',
      `${process.name} paused ${this.#oracle.nameOf(run.runId)} after attempt ${history.attempt}, and ${counts.join(', ')} are noted`,
    )
  }
}
