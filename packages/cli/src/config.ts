/** What `workflow.config.ts` says: which workflows there are, and where their runs are kept. */
import type { AnyContract, AnyWorkflow, ClientInfrastructure } from '@workflow/core'

/** Talks to a workflow without running it. */
export interface CliClient extends AnyWorkflow {
  close(): Promise<void>
}

/** A contract, or better its definition: only that knows its timeouts by name. */
export interface CliWorkflow {
  readonly contract: AnyContract
  client(infrastructure: ClientInfrastructure): CliClient
}

/** The default export of a config file. */
export interface CliConfig {
  /** Definitions or contracts, each workflow once. */
  readonly workflows: readonly CliWorkflow[]
  /**
   * Opens what the runs are kept in, e.g. `() => sqlite({ file: 'orders.db' })`. Called once, and only by commands that
   * need it; closed by its `close()` where it has one, else by those of its ports.
   */
  readonly infrastructure: () => ClientInfrastructure | Promise<ClientInfrastructure>
}

/** The same config, with its types checked where it is written. */
export function defineConfig(config: CliConfig): CliConfig {
  return config
}
