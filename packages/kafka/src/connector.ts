/** Connectors on topics that belong to others. Cursors are kept in the cursor topic; the foreign topic is only read. */
import { Configuration, type Connector, type EventReceiver, type ForeignEvent } from '@workflow/core/adapter'
import { type KafkaRecord, type Partition, partitionKey } from './driver.ts'
import { sourceName, type Layout } from './layout.ts'
import type { LogReceiver, Place, ReceiverSettings } from './receiver.ts'
import type { Settings } from './settings.ts'

/** Options of `connector`. */
export interface KafkaConnectorOptions {
  /** The topic to read, by its name in Kafka. Its partitions are read together, by one instance at a time. */
  readonly topic: string
  /** Makes a value of a record's bytes. A record for which it throws is passed over, counted and logged. @default JSON */
  readonly decode?: (value: Uint8Array | undefined, headers: Readonly<Record<string, string>>) => unknown
}

/** Opens receivers, and keeps them until the adapter is closed. */
export type OpenReceiver = <E>(settings: Pick<ReceiverSettings<E>, 'name' | 'decode' | 'durable'>) => LogReceiver<E>

const known: ReadonlySet<string> = new Set(['topic', 'decode'] satisfies (keyof KafkaConnectorOptions)[])

/** A connector on one foreign topic. */
export function kafkaConnector(options: KafkaConnectorOptions, layout: Layout, { driver }: Settings, open: OpenReceiver): Connector {
  const { topic, decode = decodeJson } = options
  for (const name of Object.keys(options))
    if (!known.has(name)) throw new Configuration(`connector has no option ${JSON.stringify(name)}; it knows ${[...known].join(', ')}`)
  if (typeof topic !== 'string' || topic === '')
    throw new Configuration(`connector: topic must be the name of a topic; got ${JSON.stringify(topic)}`)
  if (typeof decode !== 'function') throw new Configuration('connector: decode must be a function')
  return {
    connect: async ({ name, from, fence }): Promise<EventReceiver<ForeignEvent>> => {
      await layout.refresh()
      const leaders = (await driver.describe([topic])).get(topic)
      if (leaders === undefined) throw new Configuration(`connector ${JSON.stringify(name)}: Kafka has no topic ${JSON.stringify(topic)}`)
      const partitions = leaders.map((_, partition) => ({ topic, partition }))
      const key = `c:${name}`
      const entry = (await layout.ensureEntries(key, '', [{ topic, partitions }], from)).get(topic)
      const places = partitions.map(
        (at): Place => ({
          // A foreign stream has one slot, whatever its partitions are.
          spec: { topic: name, slot: 0, at, name: sourceName(String(at.partition), entry) },
          // A partition that was added later is read from its beginning.
          offset: entry?.positions[at.partition] ?? 0,
          leader: leaders[at.partition] ?? '',
        }),
      )
      const receiver = open<ForeignEvent>({
        name,
        decode: (record, { at }) => foreignEvent(at, record, decode),
        durable: { log: layout.log, key, placesOf: () => places },
      })
      try {
        await receiver.assign([{ slot: 0, fence }])
      } catch (error) {
        receiver.stop()
        throw error
      }
      return receiver
    },
  }
}

function foreignEvent(at: Partition, record: KafkaRecord, decode: NonNullable<KafkaConnectorOptions['decode']>): ForeignEvent | Error {
  try {
    const { key, value, headers, timestampMs, offset } = record
    return {
      id: `${partitionKey(at)}/${offset}`,
      key: key === null ? '' : key.toString('utf8'),
      value: decode(value ?? undefined, headers),
      at: new Date(timestampMs),
      headers,
    }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function decodeJson(value: Uint8Array | undefined): unknown {
  // A record without a value says that its key is gone.
  return value === undefined ? null : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value))
}
