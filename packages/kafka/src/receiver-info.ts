/** How far receivers are behind. */
import type { ReceiverInfo } from '@workflow/core/adapter'
import type { ControlState } from './control-state.ts'
import { type KafkaDriver, partitionKey, type Partition } from './driver.ts'
import { receiverKey, sourceName, type Layout } from './layout.ts'

const atOnce = 16
const bytesPerPartition = 131_072

interface Position {
  readonly receiver: string
  readonly at: Partition
  readonly offset: number
}

/** The durable receivers of a workflow. */
export async function receiverInfos(layout: Layout, driver: KafkaDriver, workflowName: string): Promise<readonly ReceiverInfo[]> {
  await layout.refresh()
  await layout.log.catchUp()
  const { state } = layout.log
  const marker = receiverKey('')
  const receivers = [...state.receivers()]
    .filter(({ name, topics }) => name.startsWith(marker) && [...topics.values()].some((entry) => entry.workflowName === workflowName))
    .map(({ name, topics }) => ({ name, topics: [...topics.keys()], positions: positionsOf(layout, state, name) }))
  const partitions = [...new Map(receivers.flatMap(({ positions }) => positions.map(({ at }) => [partitionKey(at), at]))).values()]
  const [starts, ends] = await Promise.all([driver.offsets(partitions, 'earliest'), driver.offsets(partitions, 'latest')])
  const bounds = new Map(partitions.map((at, n) => [partitionKey(at), { start: starts[n] ?? 0, end: ends[n] ?? 0 }]))
  return Promise.all(
    receivers.map(async ({ name, topics, positions }) => {
      const behind = positions.flatMap(({ at, offset }) => {
        const { start, end } = bounds.get(partitionKey(at)) ?? { start: 0, end: 0 }
        const from = Math.max(start, offset)
        return from < end ? [{ at, offset: from, lag: end - from }] : []
      })
      const oldestMs = behind.length === 0 ? undefined : await oldestOf(driver, behind)
      return {
        name: name.slice(marker.length),
        topics,
        lag: behind.reduce((sum, { lag }) => sum + lag, 0),
        ...(oldestMs === undefined ? {} : { oldest: new Date(oldestMs) }),
      }
    }),
  )
}

function positionsOf(layout: Layout, state: ControlState, receiver: string): readonly Position[] {
  const [found] = [...state.receivers()].filter(({ name }) => name === receiver)
  return [...(found?.topics ?? [])].flatMap(([topic, entry]) =>
    entry.positions.map((first, slot) => ({
      receiver,
      at: { topic: layout.kafkaTopic(topic), partition: slot },
      offset: state.cursor(receiver, slot, sourceName(topic, entry)) ?? first,
    })),
  )
}

/** When the oldest of the next records was written, in ms since the epoch. Where an answer has no room for a partition, it is left out. */
async function oldestOf(
  driver: KafkaDriver,
  behind: readonly { readonly at: Partition; readonly offset: number }[],
): Promise<number | undefined> {
  const leaders = await driver.describe([...new Set(behind.map(({ at }) => at.topic))])
  const byLeader = Map.groupBy(behind, ({ at }) => leaders.get(at.topic)?.[at.partition] ?? '')
  byLeader.delete('')
  const times: number[] = []
  for (const [leader, its] of byLeader) {
    for (let first = 0; first < its.length; first += atOnce) {
      const fetched = await driver.fetch(leader, {
        from: its.slice(first, first + atOnce).map(({ at, offset }) => ({ ...at, offset })),
        maxWaitMs: 0,
        maxBytes: atOnce * bytesPerPartition,
        maxBytesPerPartition: bytesPerPartition,
      })
      for (const { records } of fetched) if (records[0] !== undefined) times.push(records[0].timestampMs)
    }
  }
  return times.length === 0 ? undefined : Math.min(...times)
}
