import { type Clock, consoleLogger, type Logger, systemClock } from '@workflow/core/adapter'
import { expect, onTestFinished, test } from 'vitest'
import { ControlLog } from './control-log.ts'
import { controlKey, type ControlRecord, controlValue } from './control-record.ts'
import { type Fetched, type FetchRequest, type KafkaDriver, KafkaFault, type KafkaRecord } from './driver.ts'

const claim: ControlRecord = { kind: 'claim', receiver: 'r', slot: 0, epoch: 'e', domain: 'd', token: 1n, sources: [] }
const at = (offset: number): KafkaRecord => ({
  offset,
  timestampMs: 1,
  key: Buffer.from(controlKey(claim)),
  value: Buffer.from(controlValue(claim) ?? ''),
  headers: {},
})

type Answer = Pick<Fetched, 'records' | 'end'> & Partial<Fetched>

/** A log of one partition, whose broker gives these answers, the last one for ever. */
function logOf(
  partition: { end: number; readonly answers: readonly (Answer | undefined)[] },
  options: Partial<{ logger: Logger; clock: Clock }> = {},
) {
  let fetches = 0
  const driver: Partial<KafkaDriver> = {
    offsets: async () => [partition.end],
    describe: async () => new Map([['c', ['1']]]),
    fetch: async (_: string, { from }: FetchRequest) => {
      await new Promise((resolve) => setImmediate(resolve))
      const answer = partition.answers[Math.min(fetches++, partition.answers.length - 1)]
      return answer === undefined ? [] : from.map((one) => ({ ...one, next: one.offset + answer.records.length, ...answer }))
    },
  }
  const log = new ControlLog({
    // It asks for nothing else here.
    driver: driver as KafkaDriver,
    topic: 'c',
    clock: systemClock,
    logger: consoleLogger(),
    ensureTopic: async () => ['1'],
    ...options,
  })
  onTestFinished(() => log.close())
  log.open(['1'])
  return { log, fetches: () => fetches }
}

const isClaimed = ({ state }: ControlLog): boolean => state.holderOf('r', 0) === 'e'

test('a record that a leader does not give out yet is waited for', async () => {
  const partition = { end: 1, answers: [...Array.from({ length: 6 }, () => ({ records: [], end: 0 })), { records: [at(0)], end: 1 }] }
  const { log } = logOf(partition)
  await log.catchUp([0])
  expect(isClaimed(log)).toBe(true)
})

test('what is no longer there after an unclean election is not waited for', async () => {
  const partition = { end: 1, answers: [{ records: [], end: 0 }] }
  const { log, fetches } = logOf(partition)
  const reading = log.catchUp([0])
  await expect.poll(fetches).toBeGreaterThan(5)
  partition.end = 0
  await reading
})

test('what compaction has left without records is passed, and an answer without the partition says nothing', async () => {
  const partition = {
    end: 3,
    answers: [
      { records: [], end: 3 },
      { records: [], end: 3 },
      undefined,
      undefined,
      { records: [], end: 3 },
      { records: [at(2)], end: 3 },
    ],
  }
  const { log } = logOf(partition)
  await log.catchUp([0])
  expect(isClaimed(log)).toBe(true)
})

test('what is damaged is never passed, and told', async () => {
  const damage = new KafkaFault('unavailable', 'damaged')
  const { log, fetches } = logOf({ end: 1, answers: [{ records: [], end: 1, damage }] }, { clock: hasty })
  await expect(log.catchUp([0])).rejects.toBe(damage)
  expect(fetches()).toBe(6)
})

/** All timers end at once. */
const hasty: Clock = { ...systemClock, setTimer: (_, callback) => systemClock.setTimer(0, callback) }
