import { expect, test } from 'vitest'
import type { KafkaDriver, KafkaProducer } from './driver.ts'
import { Writer } from './writer.ts'

test('a producer whose call has failed is closed, and what comes next has a new one', async () => {
  const said: string[] = []
  let made = 0
  const producer = async (): Promise<KafkaProducer> => {
    const n = ++made
    return {
      send: async (records) => {
        said.push(`${n} sends ${records.length}`)
        if (n === 1) throw new Error('no answer')
        return new Map()
      },
      close: async () => void said.push(`${n} closes`),
    }
  }
  // Of a driver a writer needs nothing else.
  const writer = new Writer({ producer } as unknown as KafkaDriver)
  const record = { topic: 't', partition: 0, key: 'k', value: 'v' }
  await expect(writer.send([record])).rejects.toThrow('no answer')
  await writer.send([record, record])
  await writer.send([record])
  await writer.close()
  expect(said).toEqual(['1 sends 1', '1 closes', '2 sends 2', '2 sends 1', '2 closes'])
})
