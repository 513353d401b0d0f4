/** Starts the server that the tests talk to, unless the environment names one: see scripts/services.ts. */
import type { TestProject } from 'vitest/node'
import { installEtcd } from '../../../scripts/services/etcd-binaries.ts'
import { type EtcdServer, startEtcd } from '../../../scripts/services/etcd-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Undefined where there is no etcd. */
    readonly etcdUrl: string | undefined
    /** A program that tests may start members of their own with; undefined where there is none. */
    readonly etcdProgram: string | undefined
  }
}

let started: EtcdServer | undefined

export async function setup(project: TestProject): Promise<void> {
  const given = process.env['WORKFLOW_TEST_ETCD_URL']
  const binary = await installEtcd().catch((error: unknown) => {
    const what =
      given === undefined ? 'THE TESTS OF @workflow/rink-like-scheduler ARE' : 'THE FAULT TESTS OF @workflow/rink-like-scheduler ARE'
    console.error(`${what} SKIPPED: ${error instanceof Error ? error.message : String(error)}. Or set WORKFLOW_TEST_ETCD_URL.`)
    return undefined
  })
  if (given === undefined && binary !== undefined) started = await startEtcd(binary)
  project.provide('etcdUrl', given ?? started?.url)
  project.provide('etcdProgram', binary?.program)
}

export function teardown(): void {
  started?.remove()
}
