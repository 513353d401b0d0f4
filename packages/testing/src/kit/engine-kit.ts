/** A kit at run time. Its types are those of `TestKit`; what the compiler refuses in TypeScript is refused here for everybody. */
import {
  type AnyContract,
  type AnySnapshot,
  type Duration,
  type Explanation,
  type HandlerInfo,
  InvalidArgument,
  RunFinished,
  RunNotFound,
  Stopped,
  type RunHistoryEntry,
  type TransitionGraph,
  type TriggerOptions,
  type Workflow,
} from '@workflow/core'
import { durationMs, isFinished, type RunRecord } from '@workflow/core/adapter'
import type { MemoryConnector } from '../memory-connector.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { assertObject, type Asked, at } from './asked.ts'
import { type Call, type Calls, handlerName } from './calls.ts'
import type { Coverage } from './coverage/coverage.ts'
import { type HistorySnapshot, historySnapshot, runSnapshot, type RunSnapshotText, type SnapshotOptions } from './snapshot.ts'
import type { Waiter } from './pump.ts'
import { Stuck } from './stuck.ts'
import type { LogLine, OpenTimeout, PublishedEvent, TestRun, Which } from './test-kit.ts'
import { trackedClient } from './tracked-client.ts'
import type { World } from './world.ts'

/** What a kit is made of. */
export interface KitParts {
  readonly world: World
  readonly workflow: Workflow<AnyContract>
  readonly graph: TransitionGraph
  readonly infos: readonly HandlerInfo[]
  readonly calls: Calls
  readonly connectors: ReadonlyMap<string, MemoryConnector>
  readonly logs: readonly LogLine[]
  /** A run as it is stored, unread: looked at often. */
  readonly record: (runId: string) => Promise<Pick<RunRecord, 'status' | 'runState' | 'foreignId'> | undefined>
  /** The open timeouts of a run. */
  readonly timeouts: (runId: string) => Promise<readonly { readonly name: string; readonly at: Date }[]>
  readonly coverage: () => Coverage
  /** Resolves when the workflow runs and all that it loads when it is first asked is there. */
  readonly started: Promise<void>
  readonly stop: () => Promise<void>
}

const pageMax = 1_000

/** The workflow as a caller that knows nothing of its contract. */
interface AnyCaller {
  callback(target: object, status: string, payload: unknown, options: object): Promise<AnySnapshot>
}

export class EngineKit {
  readonly workflow: Workflow<AnyContract>
  readonly clock: VirtualClock
  readonly logs: readonly LogLine[]
  /** Lets another kit stand beside this one. */
  readonly world: World
  readonly #parts: KitParts
  #stopping: Promise<void> | undefined

  constructor(parts: KitParts) {
    this.#parts = parts
    this.world = parts.world
    this.clock = parts.world.clock
    this.logs = parts.logs
    this.workflow = trackedClient(
      parts.workflow,
      (work) => this.#hold(work),
      (name, work) => this.#watched(name, work),
    )
  }

  async trigger(foreignId: string, options: TriggerOptions<unknown>): Promise<TestRun> {
    const runId = await this.#hold(() => this.#app.trigger(foreignId, options))
    return { runId, foreignId }
  }

  async triggerCallbackOn(which: Which, status: string, payload?: unknown, options: object = {}): Promise<AnySnapshot> {
    const asked = this.#asked('triggerCallbackOn', which, status)
    this.#assertExit(status, 'callback', asked)
    const runId = await this.#idSoon(which, asked)
    const queues = 'queue' in options && options.queue === true
    await this.#look(asked, runId, async (run) => (run.status === status && (run.runState !== 'Paused' || queues) ? run : undefined))
    // The cast holds because a callback of any contract takes any payload at run time, and checks it by its schema.
    const app = this.#app as unknown as AnyCaller
    return await this.#wait(asked, runId, (signal) => app.callback({ runId }, status, payload, { ...options, wait: true, signal }))
  }

  async awaitTimeoutInsert(which: Which, status: string, name?: string): Promise<OpenTimeout> {
    const asked = this.#asked('awaitTimeoutInsert', which, status, ...(name === undefined ? [] : [name]))
    this.#assertExit(status, 'timeout', asked)
    const runId = await this.#idSoon(which, asked)
    return await this.#look(asked, runId, async (run) => {
      if (run.status !== status) return undefined
      const open = await this.#parts.timeouts(runId)
      const found = open.find((timer) => name === undefined || timer.name === name)
      if (found !== undefined) return { ...found, inMs: found.at.getTime() - this.clock.now() }
      const explanation = await this.#app.explain(runId)
      const has = open.length === 0 ? 'no timer' : `no timer '${name}', but ${open.map((timer) => `'${timer.name}'`).join(', ')}`
      throw new Stuck(
        'deadlock',
        `${asked.what}: the run is there and has ${has}: its timer function returned none.\n- ${explanation.text}`,
        [explanation],
      )
    })
  }

  async waitFor(which: Which, status: string | readonly string[]): Promise<AnySnapshot> {
    const asked = this.#asked('waitFor', which, ...(typeof status === 'string' ? [status] : status))
    return await this.#reached(asked, which, status)
  }

  async waitForCompletion(which: Which): Promise<AnySnapshot> {
    const asked = this.#asked('waitForCompletion', which)
    const runId = await this.#idSoon(which, asked)
    return await this.#wait(asked, runId, (signal) => this.#app.awaitCompletion(runId, { signal }))
  }

  async require(which: Which, status: string, object?: unknown): Promise<AnySnapshot> {
    const asked = this.#asked('require', which, status)
    const run = await this.#reached(asked, which, status)
    if (object !== undefined) await this.#hold(() => assertObject(asked, run, status, object))
    return run
  }

  async until<T>(work: Promise<T>): Promise<T> {
    const asked = this.#asked('until', undefined)
    if (typeof (work as Promise<T> | undefined)?.then !== 'function')
      throw new InvalidArgument(`${asked.what} needs a promise, like kit.until(kit.workflow.awaitCompletion(runId)); got ${typeof work}`)
    const failed = Promise.withResolvers<never>()
    await this.#ready()
    return await this.#pass(
      { what: asked.what, foreign: true, giveUp: (error) => failed.reject(at(asked, error)) },
      Promise.race([work, failed.promise]),
    )
  }

  now(): Date {
    return new Date(this.clock.now())
  }

  async advance(duration: Duration): Promise<void> {
    await this.#advance(this.#asked('advance', duration), durationMs(duration))
  }

  async advanceTo(date: Date): Promise<void> {
    const asked = this.#asked('advanceTo', date instanceof Date && !Number.isNaN(date.getTime()) ? date.toISOString() : 'no date')
    const ms = date instanceof Date ? date.getTime() - this.clock.now() : Number.NaN
    if (!(ms >= 0)) throw new InvalidArgument(`${asked.what} needs a date from ${this.now().toISOString()} on`)
    await this.#advance(asked, ms)
  }

  async settle(): Promise<void> {
    await this.#advance(this.#asked('settle', undefined), 0)
  }

  async run(which: Which): Promise<AnySnapshot> {
    const runId = await this.#idNow(which)
    const run = await this.#hold(() => this.#app.lookup(runId))
    if (run === undefined) throw new RunNotFound(`workflow '${this.#name}' has no run ${runId}`, { details: { runId } })
    return run
  }

  async history(which: Which): Promise<readonly RunHistoryEntry[]> {
    const runId = await this.#idNow(which)
    const entries: RunHistoryEntry[] = []
    let cursor: string | undefined
    do {
      const asked = { objects: true, limit: pageMax, ...(cursor === undefined ? undefined : { cursor }) }
      const page = await this.#hold(() => this.#app.history(runId, asked))
      entries.push(...page.items)
      cursor = page.cursor
    } while (cursor !== undefined)
    return entries
  }

  async explain(which: Which): Promise<Explanation> {
    const runId = await this.#idNow(which)
    return await this.#hold(() => this.#app.explain(runId))
  }

  async snapshot(which: Which, options?: SnapshotOptions): Promise<RunSnapshotText> {
    return runSnapshot(await this.run(which), this.world, options)
  }

  async historySnapshot(which: Which, options?: SnapshotOptions): Promise<readonly HistorySnapshot[]> {
    const runId = await this.#idNow(which)
    return historySnapshot(runId, await this.history({ runId }), this.world, options)
  }

  calls(kind: HandlerInfo['kind'], key: string, name?: string): readonly Call[] {
    const alike = this.#parts.infos.filter((info) => info.kind === kind)
    const handlers = new Set(
      alike.filter((info) => (info.status ?? info.name) === key && (name === undefined || info.name === name)).map(handlerName),
    )
    if (handlers.size === 0)
      throw new InvalidArgument(
        `workflow '${this.#name}' has no ${kind} '${name === undefined ? key : `${key} (${name})`}' whose calls could be asked for; there ${alike.length === 1 ? 'is' : 'are'}: ${alike.map((info) => `'${handlerName(info)}'`).join(', ') || 'none'}`,
      )
    const calls = [...handlers].flatMap((handler) => this.#parts.calls.of(handler))
    return handlers.size === 1 ? calls : calls.sort((one, other) => one.at.getTime() - other.at.getTime())
  }

  async publish(connector: string, ...events: readonly PublishedEvent[]): Promise<void> {
    const source = this.#parts.connectors.get(connector)
    if (source === undefined)
      throw new InvalidArgument(
        `workflow '${this.#name}' has no connector '${connector}'; there are: ${[...this.#parts.connectors.keys()].join(', ') || 'none'}`,
      )
    // Its reader starts at the end of the stream: it must be there before the first event is.
    await this.settle()
    await this.#hold(() => source.publish(events))
  }

  coverage(): Coverage {
    return this.#parts.coverage()
  }

  stop(): Promise<void> {
    if (this.#stopping === undefined) {
      this.#stopping = this.#parts.stop()
      this.world.pump.end(this, (waiting) => this.#stopped(`, and ${waiting} still waited: await every verb before`))
    }
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #app(): Workflow<AnyContract> {
    return this.#parts.workflow
  }

  get #name(): string {
    return this.#parts.graph.name
  }

  #ready(): Promise<void> {
    return this.#hold(async () => undefined)
  }

  #stopped(more: string): Stopped {
    return new Stopped(`the test kit of workflow '${this.#name}' has been stopped${more}`)
  }

  /** The outcome of something, while time passes. */
  async #pass<T>(waiter: Omit<Waiter, 'owner'>, work: Promise<T>): Promise<T> {
    if (this.#stopping === undefined) return await this.world.pump.pass({ ...waiter, owner: this }, work)
    // It is on its way already, and nobody will hear how it ends.
    work.catch(() => undefined)
    throw this.#stopped('')
  }

  /** A call that needs no time to pass. */
  async #hold<T>(work: () => Promise<T>): Promise<T> {
    if (this.#stopping !== undefined) throw this.#stopped('')
    return await this.world.pump.hold(async () => {
      await this.#parts.started
      return await work()
    })
  }

  /** A test that waits by the workflow itself lets no time pass. */
  async #watched(name: string, work: Promise<unknown>): Promise<unknown> {
    const call = `kit.workflow.${name}(…)`
    return await this.world.pump.watch(work, () => this.world.untimely(`${call} of workflow '${this.#name}'`, call))
  }

  async #reached(asked: Asked, which: Which, status: string | readonly string[]): Promise<AnySnapshot> {
    const runId = await this.#idSoon(which, asked)
    return await this.#wait(asked, runId, (signal) => this.#app.await(runId, status, { signal }))
  }

  async #wait<T>(asked: Asked, runId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const gaveUp = new AbortController()
    return await this.#pass(
      { what: asked.what, runId: () => runId, giveUp: (error) => gaveUp.abort(at(asked, error)) },
      work(gaveUp.signal),
    )
  }

  async #advance(asked: Asked, ms: number): Promise<void> {
    await this.#ready()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const until = { at: this.clock.monotonic() + ms, reached: resolve }
    await this.#pass({ what: asked.what, until, giveUp: (error) => reject(at(asked, error)) }, promise)
  }

  /** Lets time pass until the run as it is then gives an answer. */
  async #look<T>(
    asked: Asked,
    runId: string,
    answerOf: (run: Pick<RunRecord, 'status' | 'runState'>) => Promise<T | undefined>,
  ): Promise<T> {
    return await this.#lookFor(asked, runId, async () => {
      const run = await this.#parts.record(runId)
      if (run === undefined) throw new RunNotFound(`workflow '${this.#name}' has no run ${runId}`, { details: { runId } })
      const answer = await answerOf(run)
      if (answer === undefined && isFinished(run.runState))
        throw new RunFinished(`${asked.what}: run ${runId} ('${run.foreignId}') is ${run.runState} at '${run.status}'`, {
          details: { runId, status: run.status, runState: run.runState },
        })
      return answer
    })
  }

  /** Looks again whenever everything is idle and `key`, a run or a foreign id, has something new. */
  async #lookFor<T>(asked: Asked, key: string, look: () => Promise<T | undefined>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let seen = -1
    const lookAgain = async (): Promise<boolean> => {
      const changes = this.world.changesOf(key)
      if (changes === seen) return false
      seen = changes
      try {
        const answer = await look()
        if (answer === undefined) return false
        resolve(answer)
      } catch (error) {
        reject(error)
      }
      return true
    }
    return await this.#pass({ what: asked.what, runId: () => key, look: lookAgain, giveUp: (error) => reject(at(asked, error)) }, promise)
  }

  /** The run, which somebody may yet start. */
  async #idSoon(which: Which, asked: Asked): Promise<string> {
    const now = await this.#idOf(which)
    if (now !== undefined) return now
    const foreignId = String(which)
    if (this.world.runIds.includes(foreignId))
      throw new InvalidArgument(`${asked.what}: that is the id of a run, and no foreign id: name the run as { runId: '${foreignId}' }`)
    return await this.#lookFor(asked, foreignId, () => this.#newest(foreignId))
  }

  async #idNow(which: Which): Promise<string> {
    const runId = await this.#idOf(which)
    if (runId === undefined)
      throw new RunNotFound(`workflow '${this.#name}' has no run of the foreign id '${String(which)}'`, { details: { foreignId: which } })
    return runId
  }

  async #idOf(which: Which): Promise<string | undefined> {
    if (typeof which === 'string') return await this.#hold(() => this.#newest(which))
    if (typeof which === 'object' && which !== null && typeof which.runId === 'string') {
      await this.#ready()
      return which.runId
    }
    throw new InvalidArgument(`a run of workflow '${this.#name}' is named by its foreign id or as { runId }; got ${typeof which}`)
  }

  async #newest(foreignId: string): Promise<string | undefined> {
    return (await this.#app.list({ foreignId, limit: 1, order: 'newest' })).items[0]?.runId
  }

  #assertExit(status: string, kind: 'callback' | 'timeout', { what }: Asked): void {
    const possible = this.#parts.graph.nodes.filter(({ exits }) => exits.includes(kind)).map((node) => node.status)
    if (possible.includes(status)) return
    throw new InvalidArgument(
      `${what}: no ${kind} leaves '${status}'. ${possible.length === 0 ? `No status has a ${kind}` : `These have one: ${possible.map((each) => `'${each}'`).join(', ')}`}`,
    )
  }

  /** To be called before a verb waits for anything. `which` is a text where the verb is not about a run. */
  #asked(verb: keyof EngineKit & string, which: Which | undefined, ...more: readonly string[]): Asked {
    const first = which === undefined ? [] : [typeof which === 'string' ? `'${which}'` : `{ runId: '${String(which?.runId)}' }`]
    const site: { readonly stack?: string } = {}
    // From the caller of the verb on; formatted only if somebody looks.
    Error.captureStackTrace(site, this[verb] as () => unknown)
    return { what: `${verb}(${[...first, ...more.map((each) => `'${each}'`)].join(', ')}) of workflow '${this.#name}'`, site }
  }
}
