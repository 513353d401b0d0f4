import { type AnyContract, contractOf } from './any-contract.ts'
import { EngineClient } from './engine-client.ts'
import { engineContext } from './engine-setup.ts'
import type { Worker, WorkerOptions } from './engine/worker.ts'
import type { EngineContext } from './engine/engine-context.ts'
import { Stopped } from './errors.ts'
import type { DefinitionModel } from './model/definition.ts'
import { type Duration, durationMs } from './model/duration.ts'
import { loadDiscretion } from './engine/safe-logger.ts'
import { atMost } from './engine/waiting.ts'
import { libraryOptions, resolveProcessOptions } from './options.ts'
import type { ResolvedInfrastructure } from './resolved-infrastructure.ts'
import type { ProcessState, Workflow } from './workflow-client.ts'

/** A definition on its infrastructure. Nothing runs before `run()`. */
export function createWorkflow(definition: DefinitionModel, infrastructure: ResolvedInfrastructure): Workflow<AnyContract> {
  // The cast holds because the class has every method of a workflow and checks at run time what the types promise.
  return new EngineWorkflow(definition, infrastructure) as unknown as Workflow<AnyContract>
}

class EngineWorkflow extends EngineClient {
  readonly #name: string
  readonly #engine: EngineContext
  readonly #options: WorkerOptions
  #worker: Worker | undefined
  readonly #shutdownTimeoutMs: number
  #running: Promise<void> | undefined
  /** What was attached to whoever measures. */
  #observed: Disposable | undefined
  #registered = false
  #stopping: Promise<void> | undefined
  readonly #stopAsked = new AbortController()
  /** Nothing may be started any more. */
  #ended = false

  constructor(definition: DefinitionModel, infrastructure: ResolvedInfrastructure) {
    const ctx = engineContext(definition.contract, infrastructure)
    super(contractOf(definition.contract), ctx, definition.timeouts, infrastructure.roleScheduler)
    this.#name = definition.contract.name
    this.#shutdownTimeoutMs = infrastructure.shutdownTimeoutMs
    const { outbox, defaults, recordStore, eventStreamer } = infrastructure
    // The streamer delivers the store's commits itself, or something else sends them: then there is nothing to relay.
    const relayed = outbox !== false && eventStreamer.source !== recordStore
    this.#engine = ctx
    this.#options = {
      definition,
      scheduler: infrastructure.roleScheduler,
      generation: infrastructure.generation,
      connectors: infrastructure.connectors,
      registered: this.registered,
      resolve: (own) => resolveProcessOptions(libraryOptions, defaults, own),
      ...(relayed
        ? {
            outbox: {
              options: {
                ...resolveProcessOptions(libraryOptions, {}, {}),
                pollingFrequencyMs: outbox.pollingFrequencyMs,
                backOffMs: outbox.backOffMs,
                lagAlertMs: outbox.lagAlertMs,
              },
              batch: outbox.batch,
            },
          }
        : undefined),
      autoResumeMs: infrastructure.autoResumeMs,
      retryInPlaceMs: infrastructure.retryInPlaceMs,
      maxInFlight: infrastructure.maxInFlight,
      sweepMs: infrastructure.sweepFrequencyMs,
      api: (seed) => this.seeded(seed),
    }
  }

  run(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(this.#stoppedError())
    this.#running ??= this.#start().catch((error: unknown) => {
      // The next call tries again.
      this.#running = undefined
      throw error
    })
    return this.#running
  }

  stop(options: { readonly timeout?: Duration } = {}): Promise<void> {
    const timeoutMs = options.timeout === undefined ? this.#shutdownTimeoutMs : durationMs(options.timeout, 'timeout')
    this.#stopping ??= this.#stop(timeoutMs)
    return this.#stopping
  }

  states(): readonly ProcessState[] {
    return this.#worker?.states() ?? []
  }

  ready(): boolean {
    return this.#registered && this.#stopping === undefined
  }

  healthy(): boolean {
    return this.#worker?.failed === undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(): Promise<void> {
    // Loaded here, not at the top: a process that only triggers and awaits never needs what runs handlers.
    const [engine, starting, observing] = await Promise.all([
      import('./engine/worker.ts'),
      import('./engine/starting.ts'),
      import('./engine/observed.ts'),
      loadDiscretion(),
    ])
    if (this.#ended) throw this.#stoppedError()
    this.#worker ??= new engine.Worker(this.#engine, this.#options)
    await starting.startUntil(this.#stopAsked.signal, this.#engine, this.#worker, () => this.#stoppedError())
    this.#registered = true
    this.streamIsReady()
    this.#observed = observing.observed(this.#engine, this.#worker)
  }

  async #stop(timeoutMs: number): Promise<void> {
    const { clock } = this.#engine
    const since = clock.monotonic()
    this.#stopAsked.abort()
    try {
      // A start that is under way ends first, whatever comes of it: then there is something to stop. It may take the limit.
      if (this.#running !== undefined) await atMost(clock, timeoutMs, this.#running)
      this.#ended = true
      await this.#worker?.stop(Math.max(0, timeoutMs - (clock.monotonic() - since)))
    } finally {
      this.#observed?.[Symbol.dispose]()
      await this.close()
    }
  }

  #stoppedError(): Stopped {
    return new Stopped(`workflow '${this.#name}' has been stopped: build it anew to run it again`)
  }
}
