import type { ClientInfrastructure } from '@workflow/core'
import type { CliClient, CliConfig, CliWorkflow } from './config.ts'
import { inTime } from './in-time.ts'
import { UsageError } from './usage-error.ts'

/** The config at work: opens the infrastructure once, when it is first needed, and closes what it has opened. */
export class OpenConfig {
  readonly #config: CliConfig
  readonly #clients: CliClient[] = []
  readonly #openMsMax: number
  #infrastructure: Promise<ClientInfrastructure> | undefined

  constructor(config: CliConfig, openMsMax: number) {
    this.#config = config
    this.#openMsMax = openMsMax
  }

  /** Every workflow of the config, in its order. */
  get names(): readonly string[] {
    return this.#config.workflows.map(({ contract }) => contract.name)
  }

  /** Rejects with whatever the config's function throws. */
  infrastructure(): Promise<ClientInfrastructure> {
    // Called inside a promise, so that what it throws at once rejects, too.
    this.#infrastructure ??= inTime(
      Promise.resolve().then(() => this.#config.infrastructure()),
      'opening the infrastructure of the config',
      this.#openMsMax,
    )
    return this.#infrastructure
  }

  /** Clients of the named workflows, or of all. Throws `UsageError` for a name that the config does not have. */
  async clients(names: readonly string[]): Promise<readonly CliClient[]> {
    const workflows = names.length === 0 ? this.#config.workflows : names.map((name) => this.#workflow(name))
    const infrastructure = await this.infrastructure()
    const clients = [...new Set(workflows)].map((workflow) => workflow.client(infrastructure))
    this.#clients.push(...clients)
    return clients
  }

  /** Closes clients, then infrastructure, each as far as it goes. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.close()))
    const opened = await this.#infrastructure?.catch(() => undefined)
    if (typeof opened !== 'object' || opened === null) return
    const whole: unknown = Reflect.get(opened, 'close')
    if (typeof whole === 'function') {
      await Reflect.apply(whole, opened, [])
      return
    }
    for (const name of ['roleScheduler', 'eventStreamer', 'recordStore']) {
      const port: unknown = Reflect.get(opened, name)
      const close: unknown = typeof port === 'object' && port !== null ? Reflect.get(port, 'close') : undefined
      if (typeof close === 'function') await Reflect.apply(close, port, [])
    }
  }

  #workflow(name: string): CliWorkflow {
    const found = this.#config.workflows.find(({ contract }) => contract.name === name)
    if (found !== undefined) return found
    throw new UsageError(`the config has no workflow '${name}': it has ${this.names.map((each) => `'${each}'`).join(', ')}`)
  }
}
