/** Starts the Kafka that the tests talk to, unless the environment names one: see scripts/services.ts. */
import type { TestProject } from 'vitest/node'
import { installKafka } from '../../../scripts/services/kafka-binaries.ts'
import { type KafkaServer, startKafka } from '../../../scripts/services/kafka-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the server is, as `host:port`. */
    readonly kafkaUrl: string | undefined
    /** Its listener with TLS and passwords. */
    readonly kafkaSecure: { readonly url: string; readonly ca: string } | undefined
    /** Whether tests can start servers of their own. */
    readonly kafkaStarts: boolean
  }
}

let started: KafkaServer | undefined

export async function setup(project: TestProject): Promise<void> {
  let url = process.env['WORKFLOW_TEST_KAFKA_URL']
  let starts = false
  try {
    await installKafka()
    starts = true
    if (url === undefined) {
      started = await startKafka({ secure: true })
      url = started.url
    }
  } catch (error) {
    console.error(
      `TESTS OF @workflow/kafka ARE SKIPPED${url === undefined ? '' : ', those that start servers of their own'}: ${error instanceof Error ? error.message : String(error)}. Or set WORKFLOW_TEST_KAFKA_URL.`,
    )
  }
  project.provide('kafkaUrl', url)
  project.provide('kafkaSecure', started?.secure)
  project.provide('kafkaStarts', starts)
}

export function teardown(): void {
  started?.remove()
}
