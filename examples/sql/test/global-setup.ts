/** Finds or starts the server that the tests talk to. Without one they are skipped, aloud. */
import type { TestProject } from 'vitest/node'
import { findServer, type FoundServer } from '../src/server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    readonly sqlExampleServer: string | undefined
  }
}

let server: FoundServer | undefined

export async function setup(project: TestProject): Promise<void> {
  try {
    server = await findServer()
  } catch (error) {
    console.error(`THE TESTS OF THE EXAMPLE sql ARE SKIPPED: ${error instanceof Error ? error.message : String(error)}`)
  }
  project.provide('sqlExampleServer', server?.url)
}

export function teardown(): void {
  server?.[Symbol.dispose]()
}
