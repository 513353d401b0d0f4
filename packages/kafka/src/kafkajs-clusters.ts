/**
 * The clusters of kafkajs: what it publishes as types for authors of partition assigners, and keeps behind a symbol of its class
 * `Kafka`. Those that its own producers and admins are made of come from there, too.
 */
import { Configuration } from '@workflow/core/adapter'
import type { Kafka } from 'kafkajs'
import type { FetchResponse } from './kafkajs-records.ts'

interface Broker {
  readonly fetch: (request: object) => Promise<{ readonly responses: readonly FetchResponse[] }>
}

interface Metadata {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}

/** The part of kafkajs's `Cluster` that is used here. */
export interface Cluster {
  readonly connect: () => Promise<void>
  readonly disconnect: () => Promise<void>
  readonly metadata: (options: { readonly topics: readonly string[] }) => Promise<Metadata | null>
  readonly findBroker: (node: { readonly nodeId: string }) => Promise<Broker>
  readonly fetchTopicsOffset: (
    topics: readonly object[],
  ) => Promise<
    readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]
  >
  readonly connectionPoolBuilder: { build: (destination?: object) => Promise<ConnectionPool> }
}

interface ConnectionPool {
  readonly pool: readonly Connection[]
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests: () => void
}

/** Of another version nobody knows whether it has this: what cannot be mended works all the same. */
interface Connection {
  readonly requestQueue?: Partial<RequestQueue>
}

/** Makes clusters of a client. They are mended, as are those of its producers and admins from here on. */
export function clustersOf(client: Kafka): () => Cluster {
  const symbol = Object.getOwnPropertySymbols(client).find(({ description }) => description === 'private:Kafka:createCluster')
  // The members are looked at below: whatever stands there is not of a type that we could name.
  const members = client as unknown as Record<symbol, ((options: object) => unknown) | undefined>
  const create = symbol === undefined ? undefined : members[symbol]
  const created = (options: object): unknown => {
    const cluster = create?.call(client, options)
    return isCluster(cluster) ? mended(cluster) : cluster
  }
  if (symbol !== undefined && create !== undefined) members[symbol] = created
  return () => {
    const cluster = created({ allowAutoTopicCreation: false, metadataMaxAge: 0, isolationLevel: 1 })
    if (isCluster(cluster)) return cluster
    throw new Configuration(
      'this version of kafkajs is built in another way than 2.2.4; install kafkajs@2.2.4, or pass a driver of your own',
    )
  }
}

/**
 * kafkajs 2.2.4 looks for requests that wait on every connection that was ever used, once a millisecond and for ever, because it asks
 * for a timer in the past; an idle process pays a hundredth of a core for each. Here it looks only while some wait.
 */
function mended(cluster: Cluster): Cluster {
  const { connectionPoolBuilder } = cluster
  const build = connectionPoolBuilder.build.bind(connectionPoolBuilder)
  connectionPoolBuilder.build = async (destination) => {
    const connections = await build(destination)
    for (const { requestQueue } of connections.pool) if (isQueue(requestQueue)) calmed(requestQueue)
    return connections
  }
  return cluster
}

function calmed(queue: RequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule()
  }
}

function isQueue(queue: Partial<RequestQueue> | undefined): queue is RequestQueue {
  return typeof queue?.scheduleCheckPendingRequests === 'function' && Array.isArray(queue.pending)
}

const clusterMethods = ['connect', 'disconnect', 'metadata', 'findBroker', 'fetchTopicsOffset'] as const

function isCluster(value: unknown): value is Cluster {
  if (typeof value !== 'object' || value === null) return false
  const { connectionPoolBuilder } = value as { readonly connectionPoolBuilder?: { readonly build?: unknown } }
  return (
    typeof connectionPoolBuilder?.build === 'function' &&
    clusterMethods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}
