/** Where the broker is: one that somebody names, else one of this program's own. */
import { installKafka } from '../../../scripts/services/kafka-binaries.ts'
import { startKafka } from '../../../scripts/services/kafka-server.ts'
import { installNats } from '../../../scripts/services/nats-binaries.ts'
import { startNats } from '../../../scripts/services/nats-server.ts'

export const brokers = ['kafka', 'nats'] as const
export type Broker = (typeof brokers)[number]

export interface BrokerServer extends Disposable {
  readonly url: string
  /** For people: where it came from. */
  readonly origin: string
}

/** The variables that name a server, the same that the tests of this workspace read. */
export const urlVariables = { kafka: 'WORKFLOW_TEST_KAFKA_URL', nats: 'WORKFLOW_TEST_NATS_URL' } as const

/** Disposing it stops and deletes the server, if it was started here. Throws with what a person has to do where none can be had. */
export async function brokerServer(broker: Broker, named: string | undefined): Promise<BrokerServer> {
  const variable = urlVariables[broker]
  const url = named ?? process.env[variable]
  if (url !== undefined)
    return { url, origin: named === undefined ? `named by ${variable}` : 'named by --url', [Symbol.dispose]: () => undefined }
  await installBroker(broker)
  const server = broker === 'kafka' ? await startKafka() : await startNats()
  return { url: server.url, origin: 'of its own, gone at the end', [Symbol.dispose]: () => server.remove() }
}

/** Gets what there is to start: Kafka by Maven, once, and NATS by Go, once, unless they are here. */
export async function installBroker(broker: Broker): Promise<void> {
  if (broker === 'kafka') await installKafka()
  else installNats()
}
