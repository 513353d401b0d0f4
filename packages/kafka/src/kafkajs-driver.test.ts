import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type KafkaJsOptions, kafkajsDriver } from './kafkajs-driver.ts'

const names = Array.from({ length: 8 }, (_, n) => `kafka-${n}`)
const list = names.map((name) => `${name}:9092`)

test.each([
  ['a list', list],
  ['the answer of a function', async () => list],
] satisfies [string, KafkaJsOptions['brokers']][])('brokers of %s are not always asked in the same order', async (_, brokers) => {
  const asked: string[] = []
  const socketFactory: KafkaJsOptions['socketFactory'] = ({ host }) => {
    asked.push(host)
    // Of brokers that are silent.
    return new Socket()
  }
  const driver = kafkajsDriver({ brokers, clientId: 'test', socketFactory, connectionTimeout: 10_000 })
  const request = { from: [], maxWaitMs: 0, maxBytes: 1, maxBytesPerPartition: 1 }
  const fetches = Array.from({ length: 16 }, () => driver.fetch('1', request).catch((error: unknown) => error))
  await expect.poll(() => asked.length).toBe(fetches.length)
  expect(names).toEqual(expect.arrayContaining(asked))
  expect(new Set(asked).size).toBeGreaterThan(1)
  await driver.close()
  for (const result of await Promise.all(fetches)) expect(result).toMatchObject({ kind: 'unavailable' })
})

test('a producer waits for more than one of the brokers that a function names', async () => {
  let asked = 0
  const socketFactory: KafkaJsOptions['socketFactory'] = () => {
    asked++
    return new Socket()
  }
  const driver = kafkajsDriver({ brokers: async () => list, clientId: 'test', socketFactory, connectionTimeout: 300, requestTimeout: 1 })
  let isGivenUp = false
  const sending = (await driver.producer()).send([{ topic: 't', partition: 0, key: 'k', value: 'v' }]).catch(() => {
    isGivenUp = true
  })
  await expect.poll(() => asked, { timeout: 3_000 }).toBe(3)
  expect(isGivenUp).toBe(false)
  await driver.close()
  await sending
})
