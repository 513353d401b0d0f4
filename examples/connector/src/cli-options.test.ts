import { expect, test } from 'vitest'
import { parseCliOptions } from './cli-options.ts'

test('nothing said means memory', () => {
  expect(parseCliOptions([])).toEqual({ broker: 'memory', help: false })
  expect(parseCliOptions(['--broker', 'kafka', '--url', '127.0.0.1:9092'])).toEqual({ broker: 'kafka', url: '127.0.0.1:9092', help: false })
})

test.each([
  [['--broker', 'rabbit'], '--broker is one of memory, kafka, nats'],
  [['--url', '127.0.0.1:9092'], '--url names a broker: say which with --broker'],
  [['--broker', 'nats', '--url', ''], '--url needs the address of a broker'],
  [['--brokre'], "Unknown option '--brokre'"],
])('%j is refused', (args, complaint) => {
  expect(() => parseCliOptions(args)).toThrow(complaint)
})
