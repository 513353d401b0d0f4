/**
 * The clusters of kafkajs: what it publishes as types for authors of partition assigners, and keeps behind a symbol of its class
 * `Kafka`. Those that its admins are made of come from there, too.
 */
import type { Kafka } from 'kafkajs'
import { type Broker, builtOtherwise, type ConnectionPool, decodeFetches, type RequestQueue } from './kafkajs-protocol.ts'

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
  /** Of ours: ends its connections as they are, and makes no new ones. What is under way is rejected, also where nobody answers. */
  readonly abandon: () => void
}

type CreatedCluster = Omit<Cluster, 'abandon'>

/** Makes clusters of a client. They are mended, as are those of its admins from here on. */
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
    const cluster = create?.call(client, { allowAutoTopicCreation: false, metadataMaxAge: 0, isolationLevel: 1 })
    if (isCluster(cluster)) return mended(cluster)
    throw builtOtherwise()
  }
}

/**
 * kafkajs 2.2.4 looks for requests that wait on every connection that was ever used, once a millisecond and for ever, because it asks
 * for a timer in the past, which keeps an idle process busy. Here it looks only while some wait. Answers to fetches are decoded here.
 */
function mended(cluster: CreatedCluster): Cluster {
  const { connectionPoolBuilder } = cluster
  const build = connectionPoolBuilder.build.bind(connectionPoolBuilder)
  const built: ConnectionPool[] = []
  let abandoned = false
  connectionPoolBuilder.build = async (destination) => {
    if (abandoned) throw givenUp()
    const connections = await build(destination)
    // Meanwhile, too: nobody would end these.
    if (abandoned) throw givenUp()
    for (const { requestQueue } of connections.pool) if (isQueue(requestQueue)) calmed(requestQueue)
    decodeFetches(connections)
    built.push(connections)
    return connections
  }
  const abandon = (): void => {
    abandoned = true
    for (const connection of built.flatMap(({ pool }) => pool)) {
      connection.connect = async () => {
        throw givenUp()
      }
      // Without an error kafkajs would not notice, and wait on.
      connection.socket?.destroy(givenUp())
    }
  }
  return Object.assign(cluster, { abandon })
}

/** kafkajs tries again by itself where an error does not say that this is of no use. */
function givenUp(): Error {
  return Object.assign(new Error('the connection has been given up'), { retriable: false })
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

function isCluster(value: unknown): value is CreatedCluster {
  if (typeof value !== 'object' || value === null) return false
  const { connectionPoolBuilder } = value as { readonly connectionPoolBuilder?: { readonly build?: unknown } }
  return (
    typeof connectionPoolBuilder?.build === 'function' &&
    clusterMethods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}
