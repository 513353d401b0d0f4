/**
 * The server that carries the events: one that somebody names, else one of this program's own. Its own has to survive being
 * killed together with the program, so it is remembered in a file beside the database, and found again by the next start.
 */
import { Configuration } from '@workflow/core'
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installKafka } from '../../../scripts/services/kafka-binaries.ts'
import { kafkaAt, type KafkaPlace, type KafkaServer, startKafka } from '../../../scripts/services/kafka-server.ts'
import { installNats } from '../../../scripts/services/nats-binaries.ts'
import { natsAt, type NatsPlace, type NatsServer, startNats } from '../../../scripts/services/nats-server.ts'
import type { Broker } from './cli-options.ts'

export interface BrokerServer {
  readonly url: string
  /** What everything begins with that these orders have on the server. */
  readonly prefix: string
  /** For people. */
  readonly origin: string
  /** Stops it, if it is of this program's own; its data stay for the next start. */
  readonly stop: () => Promise<void>
}

/** What the file says. */
interface Remembered {
  readonly prefix: string
  readonly place?: KafkaPlace | NatsPlace
}

/** The variables that name a server, the same that the tests of this workspace read. */
export const urlVariables = { kafka: 'WORKFLOW_TEST_KAFKA_URL', nats: 'WORKFLOW_TEST_NATS_URL' } as const

/** Finds, starts again or makes the server. One process at a time. Throws `Configuration` where none can be had. */
export async function brokerServer(broker: Broker, file: string, named: string | undefined): Promise<BrokerServer> {
  const known = await remembered(file)
  const url = named ?? process.env[urlVariables[broker]]
  if (url !== undefined) {
    const prefix = known?.prefix ?? newPrefix()
    await writeFile(file, JSON.stringify({ ...known, prefix }))
    return { url, prefix, origin: 'a server of yours', stop: async () => undefined }
  }
  const again = known?.place === undefined ? undefined : await startedAgain(broker, known.place)
  if (known !== undefined && again !== undefined) return { ...again, prefix: known.prefix, origin: 'the server of its own that was here' }
  // What the old one had is gone. The engine finds in the database what was under way, within minutes.
  if (known !== undefined) await forgetServer(broker, file)
  const prefix = newPrefix()
  const server = await freshServer(broker)
  await writeFile(file, JSON.stringify({ prefix, place: server.place }))
  // From here on it belongs to the database, and not to this process: whoever clears up after dead processes must not take it.
  rmSync(join(server.place.folder, 'owner'), { force: true })
  return { url: server.url, prefix, origin: 'a server of its own', stop: async () => void (await server.stop()) }
}

/** Removes a server of this program's own with its data. What is on a server of yours stays. */
export async function forgetServer(broker: Broker, file: string): Promise<void> {
  const place = (await remembered(file))?.place
  if (place !== undefined) serverAt(broker, place).remove()
  await rm(file, { force: true })
}

function newPrefix(): string {
  return `orders-${randomUUID().slice(0, 8)}`
}

async function remembered(file: string): Promise<Remembered | undefined> {
  try {
    // Written above.
    return JSON.parse(await readFile(file, 'utf8')) as Remembered
  } catch {
    return undefined
  }
}

function serverAt(broker: Broker, place: KafkaPlace | NatsPlace): KafkaServer | NatsServer {
  // The file is named after the broker, so the place is one of its kind.
  return broker === 'kafka' ? kafkaAt(place) : natsAt(place as NatsPlace)
}

/** Undefined where its folder has been cleared away, or its port is somebody else's by now. */
async function startedAgain(broker: Broker, place: KafkaPlace | NatsPlace): Promise<Pick<BrokerServer, 'url' | 'stop'> | undefined> {
  const server = serverAt(broker, place)
  try {
    if (!server.isRunning()) await server.start()
    return { url: server.url, stop: async () => void (await server.stop()) }
  } catch {
    return undefined
  }
}

/** Gets what there is to start: Kafka by Maven, once, and NATS by Go, once, unless they are here. */
export async function installBroker(broker: Broker): Promise<void> {
  if (broker === 'kafka') await installKafka()
  else installNats()
}

async function freshServer(broker: Broker): Promise<KafkaServer | NatsServer> {
  try {
    await installBroker(broker)
    return broker === 'kafka' ? await startKafka() : await startNats()
  } catch (error) {
    throw new Configuration(`${error instanceof Error ? error.message : String(error)}; or name a server by --url`, { cause: error })
  }
}
