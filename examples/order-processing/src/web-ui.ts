/** A look at the orders when all have ended: the web UI, for as long as somebody is there. */
import { serveWebUi } from '@workflow/webui'
import type { Logger } from '@workflow/core'
import type { OrderClient } from './all-runs.ts'
import type { CliOptions } from './cli-options.ts'

export interface Surroundings {
  readonly stdin: { readonly isTTY?: boolean }
  readonly stdout: { readonly isTTY?: boolean }
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** As the options say; else if a person sits there, since whoever pipes or builds waits for the end. */
export function wantsWebUi({ ui }: Pick<CliOptions, 'ui'>, { stdin, stdout, environment }: Surroundings): boolean {
  return ui ?? (stdin.isTTY === true && stdout.isTTY === true && (environment['CI'] ?? '') === '')
}

/** Serves to this machine only, on a port that is free, until `stop` is aborted. */
export async function serveOrders(client: OrderClient, logger: Logger, say: (line: string) => void, stop: AbortSignal): Promise<void> {
  await using served = await serveWebUi({ workflows: [client], logger, print: false })
  if (stop.aborted) return
  say('')
  say(`Look at every order: ${served.url}/  (Ctrl-C ends this)`)
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
}
