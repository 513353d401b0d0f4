import { expect, test } from 'vitest'
import { parseCliOptions } from './cli-options.ts'

const parse = (...args: readonly string[]) => parseCliOptions(args, '/here', '/there/orders.db')

test('has a default for everything', () => {
  expect(parse()).toEqual({
    db: '/there/orders.db',
    dbDefault: '/there/orders.db',
    resume: false,
    count: Infinity,
    seed: 'lisbon',
    fast: false,
    interactive: false,
    reset: false,
    help: false,
  })
})

test('takes relative paths from where the person is, and - as stdin', () => {
  expect(parse('--file', 'a.ndjson', '--db', '../b.db')).toMatchObject({ file: '/here/a.ndjson', db: '/b.db' })
  expect(parse('--file', '-').file).toBe('-')
})

test('takes a broker, and where it is', () => {
  expect(parse('--broker', 'nats', '--url', 'nats://127.0.0.1:4222')).toMatchObject({ broker: 'nats', url: 'nats://127.0.0.1:4222' })
})

test('knows whether the web UI is wanted, or that nobody has said', () => {
  expect([parse().ui, parse('--ui').ui, parse('--no-ui').ui]).toEqual([undefined, true, false])
})

test.each([
  [['--count', 'many'], '--count must be a whole number of 1 or more'],
  [['--count', '0'], '--count must be a whole number of 1 or more'],
  [['--file', ''], '--file needs the path of a file'],
  [['--db', ''], '--db needs the path of a file'],
  [['--broker', 'rabbit'], '--broker is one of kafka, nats'],
  [['--url', 'nats://127.0.0.1:4222'], 'say which with --broker'],
  [['--broker', 'nats', '--url', ''], '--url needs the address'],
  [['--file'], 'argument missing'],
  [['orders.ndjson'], 'Unexpected argument'],
  [['--resume', '--file', 'a'], 'leave one of them out'],
  [['--resume', '--reset'], 'leave one of them out'],
  [['--ui', '--no-ui'], 'leave one of them out'],
  [['--interactive', '--file', '-'], 'leave one of them out'],
])('refuses %j', (args, complaint) => {
  expect(() => parse(...args)).toThrow(complaint)
})
