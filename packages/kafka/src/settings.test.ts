import { expect, test } from 'vitest'
import type { KafkaDriver } from './driver.ts'
import { kafka, type KafkaOptions } from './index.ts'

const brokers = ['127.0.0.1:9092']
// Never used: nothing is opened before it is needed.
const driver = {} as KafkaDriver

test.each<[Record<string, unknown> | string | null, RegExp]>([
  [null, /takes an object of options/],
  ['127.0.0.1:9092', /takes an object of options/],
  [{}, /brokers must be a list like/],
  [{ brokers: '127.0.0.1:9092' }, /brokers must be/],
  [{ brokers: [] }, /brokers must be/],
  [{ brokers: ['kafka'] }, /brokers must be/],
  [{ brokers, broker: 1 }, /no option "broker"; it knows brokers, clientId/],
  [{ brokers, clientId: '' }, /clientId must be/],
  [{ brokers, prefix: 'a_b' }, /prefix must be/],
  [{ brokers, prefix: 'a..b' }, /prefix must be/],
  [{ brokers, prefix: 'x'.repeat(61) }, /prefix must be/],
  [{ brokers, topics: true }, /topics must be 'create' or 'require'/],
  [{ brokers, partitions: 0 }, /partitions must be/],
  [{ brokers, replicationFactor: 1.5 }, /replicationFactor must be/],
  [{ brokers, topicSettings: { 'retention.ms': 1 } }, /topicSettings must be/],
  [{ brokers, connectionTimeout: '0ms' }, /the connectionTimeout of kafka must be longer than nothing; got "0ms"/],
  [{ brokers, requestTimeout: 'soon' }, /the requestTimeout of kafka .*"soon"/],
  [{ brokers, ssl: 'yes' }, /ssl must be true, or options of TLS/],
  [{ brokers, sasl: { username: 'a', password: 'b' } }, /sasl must be like \{ mechanism: 'scram-sha-512', username, password \}$/],
  [{ driver, brokers }, /takes a driver, or brokers, not both/],
])('%j is refused', (options, message) => {
  // From JavaScript anything may come.
  expect(() => kafka(options as KafkaOptions)).toThrow(
    expect.objectContaining({ code: 'Configuration', message: expect.stringMatching(message) }),
  )
})

test('connectors are checked, too', () => {
  const { connector } = kafka({ brokers })
  const refused = (options: object, message: string): void =>
    expect(() => connector(options as never)).toThrow(
      expect.objectContaining({ code: 'Configuration', message: expect.stringContaining(message) }),
    )
  refused({ topic: '' }, 'topic must be')
  refused({ topic: 'a', decode: 1 }, 'decode must be')
  refused({ topic: 'a', group: 'b' }, 'no option "group"')
})
