/**
 * What runs do, for any number of readers: one `changes()` per workflow and server, from the first reader until a while after
 * the last. Events are numbered, and the newest are kept, so that a reader whose connection broke goes on where it was; one
 * that cannot is told to refresh. A stream that is away is tried again, and its readers are told to refresh when it is back.
 */
import type { RunChange } from '@workflow/core'
import { type Clock, loggableError, type Logger } from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import type { ChangeJson } from '../api/change-json.ts'
import type { HeardJson } from '../api/workflow-json.ts'
import { ApiError } from './api-error.ts'
import { EventStream } from './event-stream.ts'
import { HeardCounts } from './heard-counts.ts'
import type { Settings } from './settings.ts'
import type { WatchedWorkflow } from './watched-workflow.ts'

const keptMax = 1_000
const lingerMs = 30_000
const retryMs = 1_000
const retryMaxMs = 30_000

interface Reader {
  readonly stream: EventStream
  readonly workflows: ReadonlySet<string>
}

interface Source {
  readonly stop: AbortController
  /** The number of the newest event when it began to be read; undefined while it is not. */
  liveFrom: number | undefined
  /** What was heard since then. */
  heard: HeardCounts | undefined
  linger: Disposable | undefined
}

export class ChangeFeed {
  readonly #workflows: ReadonlyMap<string, WatchedWorkflow>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #streamsMax: number
  /** Numbers of another process, or of an earlier life of this one, mean nothing here. */
  readonly #life = randomUUID().slice(0, 8)
  readonly #readers = new Set<Reader>()
  readonly #sources = new Map<string, Source>()
  #kept: { readonly number: number; readonly workflow: string; readonly text: string }[] = []
  #number = 0
  #closed = false

  constructor(workflows: ReadonlyMap<string, WatchedWorkflow>, { clock, logger, limits }: Settings) {
    this.#workflows = workflows
    this.#clock = clock
    this.#logger = logger
    this.#streamsMax = limits.streams
  }

  /** The events of these workflows, after the one of `lastEventId`. Throws `TooManyStreams`. */
  read(workflows: ReadonlySet<string>, lastEventId: string | null, signal: AbortSignal): ReadableStream<Uint8Array> {
    if (this.#closed || this.#readers.size >= this.#streamsMax)
      throw new ApiError('TooManyStreams', `${this.#readers.size} event streams are open, and no more are allowed`, {
        headers: { 'retry-after': '5' },
      })
    const stream = new EventStream(
      this.#clock,
      () => this.#refresh(),
      () => {
        this.#readers.delete(reader)
        for (const name of workflows) this.#leave(name)
      },
    )
    const reader: Reader = { stream, workflows }
    this.#readers.add(reader)
    // At once, so that the answer begins, and how long to wait before connecting again.
    stream.send('retry: 2000\n\n')
    if (lastEventId !== null) this.#resume(reader, lastEventId)
    // Where nothing happens before the connection breaks, this is what it goes on from. Who is told to refresh later gets it then.
    else if (this.#isLive(workflows)) stream.send(`id: ${this.#id()}\n\n`)
    for (const name of workflows) this.#enter(name)
    if (signal.aborted) stream.end()
    else signal.addEventListener('abort', () => stream.end(), { once: true })
    return stream.body
  }

  /** Runs of a workflow that ended or paused, while somebody reads its events. */
  heard(workflow: string, nowMs: number): HeardJson | undefined {
    return this.#sources.get(workflow)?.heard?.upTo(nowMs)
  }

  /** Ends every stream and leaves nothing behind. Idempotent. */
  close(): void {
    this.#closed = true
    for (const { stream } of this.#readers) stream.end()
    for (const name of this.#sources.keys()) this.#stop(name)
  }

  #isLive(workflows: ReadonlySet<string>): boolean {
    return [...workflows].every((name) => this.#sources.get(name)?.liveFrom !== undefined)
  }

  #resume({ stream, workflows }: Reader, lastEventId: string): void {
    const [, life, digits] = /^(\w+)-(\d{1,15})$/.exec(lastEventId) ?? []
    const number = Number(digits)
    const whole =
      life === this.#life &&
      number <= this.#number &&
      number >= (this.#kept[0]?.number ?? this.#number + 1) - 1 &&
      [...workflows].every((name) => number >= (this.#sources.get(name)?.liveFrom ?? Number.POSITIVE_INFINITY))
    if (!whole) return stream.send(this.#refresh())
    for (const event of this.#kept) if (event.number > number && workflows.has(event.workflow)) stream.send(event.text)
  }

  #enter(name: string): void {
    const known = this.#sources.get(name)
    if (known !== undefined) {
      known.linger?.[Symbol.dispose]()
      known.linger = undefined
      return
    }
    const source: Source = { stop: new AbortController(), liveFrom: undefined, heard: undefined, linger: undefined }
    this.#sources.set(name, source)
    void this.#follow(name, source)
  }

  #leave(name: string): void {
    const source = this.#sources.get(name)
    if (source === undefined || [...this.#readers].some(({ workflows }) => workflows.has(name))) return
    source.linger ??= this.#clock.setTimer(lingerMs, () => this.#stop(name))
  }

  #stop(name: string): void {
    const source = this.#sources.get(name)
    this.#sources.delete(name)
    source?.linger?.[Symbol.dispose]()
    source?.stop.abort()
  }

  /** Never rejects. */
  async #follow(name: string, source: Source): Promise<void> {
    const { signal } = source.stop
    for (let waitMs = retryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
      try {
        const changes = await this.#workflows.get(name)?.changes(signal)
        source.liveFrom = this.#number
        const heard = new HeardCounts(this.#clock.now())
        source.heard = heard
        // What happened before nobody has seen.
        this.#tell(name, this.#refresh())
        for await (const change of changes ?? []) {
          heard.add(change.state, this.#clock.now())
          this.#publish(name, change)
          waitMs = retryMs
        }
      } catch (error) {
        if (!signal.aborted)
          this.#logger.warn({ workflow: name, error: loggableError(error) }, 'the web UI cannot follow the runs; it tries again')
      }
      source.liveFrom = undefined
      source.heard = undefined
      if (!signal.aborted) await this.#pause(waitMs, signal)
    }
  }

  #publish(workflow: string, change: RunChange): void {
    const number = ++this.#number
    const text = eventText(this.#id(), 'change', changeView(workflow, change))
    this.#kept.push({ number, workflow, text })
    // In one go now and then, and not at each event.
    if (this.#kept.length >= 2 * keptMax) this.#kept = this.#kept.slice(-keptMax)
    this.#tell(workflow, text)
  }

  #tell(workflow: string, text: string): void {
    for (const { stream, workflows } of this.#readers) if (workflows.has(workflow)) stream.send(text)
  }

  #refresh(): string {
    return eventText(this.#id(), 'refresh', {})
  }

  #id(): string {
    return `${this.#life}-${this.#number}`
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>()
    using _timer = this.#clock.setTimer(ms, over.resolve)
    signal.addEventListener('abort', () => over.resolve(), { once: true })
    await over.promise
  }
}

/** JSON has no line breaks, so nothing in it can end an event. */
function eventText(id: string, event: 'change' | 'refresh', data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

function changeView(workflow: string, change: RunChange): ChangeJson {
  const { runId, foreignId, version, from, status, state, at } = change
  return { workflow, runId, foreignId, version, ...(from === undefined ? undefined : { from }), status, state, at: at.toISOString() }
}
