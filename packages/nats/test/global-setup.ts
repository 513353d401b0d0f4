/** Starts the server that the tests talk to, unless the environment names one: see scripts/services.ts. */
import type { TestProject } from 'vitest/node'
import { installNats, natsBinary } from '../../../scripts/services/nats-binaries.ts'
import { type NatsServer, startNats } from '../../../scripts/services/nats-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the server is. */
    readonly natsUrl: string | undefined
    /** Whether tests can start servers of their own. */
    readonly natsStarts: boolean
  }
}

let started: NatsServer | undefined

export async function setup(project: TestProject): Promise<void> {
  let url = process.env['WORKFLOW_TEST_NATS_URL']
  let program = natsBinary()
  try {
    program ??= installNats()
    if (url === undefined) {
      started = await startNats()
      url = started.url
    }
  } catch (error) {
    console.error(
      `TESTS OF @workflow/nats ARE SKIPPED${url === undefined ? '' : ', those that start servers of their own'}: ${error instanceof Error ? error.message : String(error)}. Or set WORKFLOW_TEST_NATS_URL.`,
    )
  }
  project.provide('natsUrl', url)
  project.provide('natsStarts', program !== undefined)
}

export function teardown(): void {
  started?.remove()
}
