/**
 * The one door through which bytes of ours go over connections of kafkajs, and come from them: kafkajs keeps the sockets, TLS, logging
 * in, versions, correlation and throttling, while records are coded here. Its own coding makes several objects of each header.
 */
import { Configuration } from '@workflow/core/adapter'
import type { Buffer } from 'node:buffer'
import { KafkaFault } from './driver.ts'
import { type FetchAnswer, fetchAnswerOf, type FetchedBatches, fetchVersion } from './fetch-answer.ts'
import type { FetchResponse } from './kafkajs-records.ts'
import {
  produceAnswerOf,
  type ProducedBatch,
  type ProducedPartition,
  produceRequestOf,
  produceVersions,
  type Producing,
} from './produce-request.ts'

const produceKey = 0
const fetchKey = 1

/** A request and what becomes of its answer, as kafkajs sends them. */
interface Exchange {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    readonly expectResponse?: () => boolean
    readonly encode: () => Promise<unknown>
  }
  readonly response: {
    readonly decode: (bytes: Buffer) => Promise<unknown>
    readonly parse: (decoded: never) => Promise<unknown>
  }
}

/** The requests of one connection. */
export interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests: () => void
}

/** One connection of kafkajs. */
interface Connection {
  /** Of another version nobody knows whether it has this: what cannot be mended works all the same. */
  readonly requestQueue?: Partial<RequestQueue>
  readonly socket?: { readonly destroy: (error: Error) => void } | null
  connect: () => Promise<unknown>
}

/** The connections of kafkajs to one broker. */
export interface ConnectionPool {
  readonly pool: readonly Connection[]
  readonly isConnected: () => boolean
  send: (exchange: Exchange) => Promise<unknown>
}

/** The part of kafkajs's `Broker` that is used here. */
export interface Broker {
  readonly fetch: (request: object) => Promise<{ readonly responses: readonly FetchResponse[] }>
  readonly initProducerId: (request: object) => Promise<{ readonly producerId: string | number | bigint; readonly producerEpoch: number }>
  readonly lookupRequest: (
    apiKey: number,
    definition: { readonly versions: readonly number[]; readonly protocol: (chosen: { readonly version: number }) => number },
  ) => number
  readonly connectionPool: ConnectionPool
}

/** Lets answers to fetches be decoded here, as far as their records are of the form that is. Other partitions are left to kafkajs. */
export function decodeFetches(connections: ConnectionPool): void {
  if (typeof connections.send !== 'function') throw builtOtherwise()
  const send = connections.send.bind(connections)
  connections.send = (exchange) => {
    const { request, response } = exchange
    if (request.apiKey !== fetchKey || request.apiVersion !== fetchVersion) return send(exchange)
    const decode = async (bytes: Buffer): Promise<unknown> => withForeign(fetchAnswerOf(bytes), response.decode)
    return send({ ...exchange, response: { ...response, decode } })
  }
}

async function withForeign(answer: FetchAnswer, decode: Exchange['response']['decode']): Promise<unknown> {
  const all = answer.responses.map(async ({ topicName, partitions }) => ({
    topicName,
    partitions: await Promise.all(partitions.map(async (one) => (one.foreign === undefined ? one : foreignOf(one, one.foreign, decode)))),
  }))
  return { ...answer, responses: await Promise.all(all) }
}

/** What kafkajs makes of one partition: where it can make nothing of it, it hinders no others. */
async function foreignOf(
  answer: FetchedBatches,
  foreign: Buffer,
  decode: Exchange['response']['decode'],
): Promise<FetchResponse['partitions'][number]> {
  try {
    // What it decodes of such an answer.
    const { responses } = (await decode(foreign)) as { readonly responses: readonly FetchResponse[] }
    return responses[0]?.partitions[0] ?? answer
  } catch (unread) {
    return { ...answer, unread }
  }
}

/** Writes batches to the broker that leads their partitions, and answers what it says of each. Rejects with errors of kafkajs. */
export async function produce(
  broker: Broker,
  batches: readonly ProducedBatch[],
  producing: Producing,
): Promise<readonly ProducedPartition[]> {
  const version = broker.lookupRequest(produceKey, { versions: produceVersions, protocol: (chosen) => chosen.version })
  if (version < produceVersions[0]) throw new KafkaFault('refused', 'writing: brokers before Kafka 0.11 take no such records')
  const answer = await broker.connectionPool.send({
    request: {
      apiKey: produceKey,
      apiVersion: version,
      apiName: 'Produce',
      expectResponse: () => true,
      encode: async () => encoded(produceRequestOf(batches, producing)),
    },
    response: {
      decode: async (bytes) => produceAnswerOf(bytes, version),
      parse: async ({ partitions }: ReturnType<typeof produceAnswerOf>) => partitions,
    },
  })
  // What `parse` has made of it.
  return answer as readonly ProducedPartition[]
}

/** Whether a broker of kafkajs has what writing needs. */
export function isBroker(value: unknown): value is Broker {
  const { initProducerId, lookupRequest, connectionPool } = (value ?? {}) as Partial<Broker>
  const { send, isConnected } = connectionPool ?? {}
  return [initProducerId, lookupRequest, send, isConnected].every((method) => typeof method === 'function')
}

/** The error of whoever installed another version than this package knows. */
export function builtOtherwise(): Configuration {
  return new Configuration(
    'this version of kafkajs is built in another way than 2.2.4; install kafkajs@2.2.4, or pass a driver of your own',
  )
}

/** What kafkajs takes for one of its encoders. It copies the bytes at once. */
function encoded(bytes: Buffer): object {
  return { buf: bytes, buffer: bytes, size: () => bytes.length }
}
