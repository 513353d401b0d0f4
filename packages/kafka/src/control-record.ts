/**
 * Records of the cursor topic. It is compacted: of each key Kafka keeps the newest record. So that the log tells the same before
 * and after, no two writers ever share a key where the order of their records matters: whoever claims a slot, or makes a receiver
 * known, brings an id of its own.
 */
import type { KafkaRecord } from './driver.ts'

export type ControlRecord =
  /** A topic has so many slots. The first one counts. */
  | { readonly kind: 'topic'; readonly topic: string; readonly slots: number; readonly gone?: true }
  /** A receiver reads a topic, on each slot from a position. The first one counts. */
  | ({ readonly kind: 'receiver'; readonly receiver: string; readonly topic: string; readonly id: string } & (
      | { readonly workflowName: string; readonly positions: readonly number[] }
      | { readonly gone: true }
    ))
  /** A slot of a receiver is claimed. */
  | ({ readonly kind: 'claim'; readonly receiver: string; readonly slot: number; readonly epoch: string } & (
      | { readonly domain: string; readonly token: bigint; readonly sources: readonly string[] }
      | { readonly gone: true }
    ))
  /** How far the holder of a claim is, by the order of its `sources`. */
  | ({ readonly kind: 'cursor'; readonly receiver: string; readonly slot: number; readonly epoch: string } & (
      | { readonly positions: readonly number[] }
      | { readonly gone: true }
    ))

/** The key of a record. */
export function controlKey(record: ControlRecord): string {
  switch (record.kind) {
    case 'topic':
      return JSON.stringify(['t', record.topic, record.slots])
    case 'receiver':
      return JSON.stringify(['r', record.receiver, record.topic, record.id])
    case 'claim':
      return JSON.stringify(['c', record.receiver, record.slot, record.epoch])
    case 'cursor':
      return JSON.stringify(['o', record.receiver, record.slot, record.epoch])
  }
}

/** The value of a record; null where the record takes its key away. */
export function controlValue(record: ControlRecord): string | null {
  if ('gone' in record) return null
  switch (record.kind) {
    case 'topic':
      return '{}'
    case 'receiver':
      return JSON.stringify({ w: record.workflowName, p: record.positions })
    case 'claim':
      return JSON.stringify({ d: record.domain, t: String(record.token), s: record.sources })
    case 'cursor':
      return JSON.stringify(record.positions)
  }
}

/** The record of a key and value; undefined where somebody else has written. */
export function controlRecordOf({ key, value }: Pick<KafkaRecord, 'key' | 'value'>): ControlRecord | undefined {
  if (key === null) return undefined
  try {
    const parts: unknown = JSON.parse(key.toString('utf8'))
    return !Array.isArray(parts) ? undefined : readRecord(parts, value === null ? undefined : JSON.parse(value.toString('utf8')))
  } catch {
    return undefined
  }
}

function readRecord([kind, name, third, id]: readonly unknown[], value: unknown): ControlRecord | undefined {
  const gone = value === undefined ? ({ gone: true } as const) : undefined
  // Written by `controlValue`, unless a stranger knows our keys.
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof name !== 'string') return undefined
  if (kind === 't' && typeof third === 'number') return { kind: 'topic', topic: name, slots: third, ...gone }
  if (kind === 'r' && typeof third === 'string' && typeof id === 'string') {
    const common = { kind: 'receiver', receiver: name, topic: third, id } as const
    if (gone !== undefined) return { ...common, ...gone }
    const { w: workflowName, p: positions } = fields
    return typeof workflowName === 'string' && isNumbers(positions) ? { ...common, workflowName, positions } : undefined
  }
  if (typeof third !== 'number' || typeof id !== 'string') return undefined
  const common = { receiver: name, slot: third, epoch: id }
  if (kind === 'o') {
    if (gone !== undefined) return { kind: 'cursor', ...common, ...gone }
    return isNumbers(value) ? { kind: 'cursor', ...common, positions: value } : undefined
  }
  if (kind !== 'c') return undefined
  if (gone !== undefined) return { kind: 'claim', ...common, ...gone }
  const { d: domain, t: token, s: sources } = fields
  if (typeof domain !== 'string' || typeof token !== 'string' || !Array.isArray(sources)) return undefined
  return { kind: 'claim', ...common, domain, token: BigInt(token), sources: sources.map(String) }
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}
