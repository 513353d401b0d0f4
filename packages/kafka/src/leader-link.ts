/** The way of one producer to the brokers that lead its partitions: a cluster of kafkajs, and what it knows of leaders. */
import { KafkaFault, type Partition } from './driver.ts'
import type { Cluster } from './kafkajs-clusters.ts'
import { type Broker, builtOtherwise, isBroker } from './kafkajs-protocol.ts'

export interface LeaderLinkOptions {
  /** A cluster of its own. */
  readonly newCluster: () => Cluster
  /** A cluster is no longer used. */
  readonly onDiscard: (cluster: Cluster) => void
  /** How long it may take to connect and to find leaders, in ms: kafkajs waits for ever in some places. */
  readonly openMs: number
}

export class LeaderLink {
  readonly #options: LeaderLinkOptions
  /** By topic and partition; `''` where there is none. */
  readonly #leaders = new Map<string, readonly string[]>()
  #cluster: Cluster | undefined
  /** Those of the last call. */
  #used: readonly Broker[] = []

  constructor(options: LeaderLinkOptions) {
    this.#options = options
  }

  /** Whether the connections of the last call are still there. */
  get isWhole(): boolean {
    return this.#cluster !== undefined && this.#used.every(({ connectionPool }) => connectionPool.isConnected())
  }

  /** What goes to which broker. Connects where there is no connection. Rejects with errors of kafkajs, and with a `KafkaFault`. */
  async leadersOf<P extends Partition>(partitions: readonly P[]): Promise<ReadonlyMap<Broker, readonly P[]>> {
    const { openMs } = this.#options
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(new KafkaFault('unavailable', `writing: no broker could be connected and asked within ${openMs} ms`))
    }, openMs)
    try {
      return await Promise.race([this.#find(partitions), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Leaders of these topics are to be asked for again. */
  forget(partitions: readonly Partition[]): void {
    for (const { topic } of partitions) this.#leaders.delete(topic)
  }

  /** Ends the connections as they are; the next call makes new ones. */
  abandon(): void {
    this.#leaders.clear()
    this.#cluster?.abandon()
    this.#discard().catch(() => undefined)
  }

  async close(): Promise<void> {
    await this.#discard()
  }

  async #find<P extends Partition>(partitions: readonly P[]): Promise<ReadonlyMap<Broker, readonly P[]>> {
    const cluster = (this.#cluster ??= this.#options.newCluster())
    await cluster.connect()
    await this.#ask(cluster, partitions)
    const found = new Map<Broker, readonly P[]>()
    for (const [nodeId, its] of Map.groupBy(partitions, (partition) => this.#leaderOf(partition))) {
      const broker = await cluster.findBroker({ nodeId })
      if (!isBroker(broker)) throw builtOtherwise()
      found.set(broker, its)
    }
    this.#used = [...found.keys()]
    return found
  }

  /** Also for partitions that there were not when this was asked last: somebody may have added them. */
  async #ask(cluster: Cluster, partitions: readonly Partition[]): Promise<void> {
    const unknown = partitions.filter(({ topic, partition }) => (this.#leaders.get(topic)?.length ?? 0) <= partition)
    if (unknown.length === 0) return
    const metadata = await cluster.metadata({ topics: [...new Set(unknown.map(({ topic }) => topic))] })
    for (const { topic, partitionMetadata } of metadata?.topicMetadata ?? []) {
      const leaders = Array.from({ length: partitionMetadata.length }, () => '')
      for (const { partitionId, leader } of partitionMetadata) leaders[partitionId] = leader < 0 ? '' : String(leader)
      this.#leaders.set(topic, leaders)
    }
  }

  #leaderOf({ topic, partition }: Partition): string {
    const leaders = this.#leaders.get(topic) ?? []
    const leader = leaders[partition]
    if (leader === undefined)
      throw new KafkaFault('missing', `writing: topic ${topic} has no partition ${partition}, it has ${leaders.length}`)
    if (leader === '') throw new NoLeader(`partition ${partition} of topic ${topic} has no leader now`)
    return leader
  }

  async #discard(): Promise<void> {
    const cluster = this.#cluster
    if (cluster === undefined) return
    this.#cluster = undefined
    this.#options.onDiscard(cluster)
    await cluster.disconnect().catch(() => undefined)
  }
}

/** Sorted like the answer of a broker that says so. */
class NoLeader extends Error {
  readonly type = 'LEADER_NOT_AVAILABLE'
  readonly retriable = true
}
