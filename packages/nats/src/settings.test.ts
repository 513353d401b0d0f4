import { isWorkflowError } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { nats, type NatsOptions } from './index.ts'
import { Names, tokenOf } from './subject.ts'

function refusal(options: unknown): string {
  try {
    // As from JavaScript.
    nats(options as NatsOptions)
  } catch (error) {
    if (isWorkflowError(error, 'Configuration')) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

test.each<[unknown, string]>([
  [undefined, 'nats takes an object of options, like nats({ servers }); got undefined'],
  [{}, 'nats needs either servers or a connection: nats({ servers })'],
  [{ servers: '' }, "the servers of nats must be one address or a list of them, like 'nats://127.0.0.1:4222'"],
  [{ servers: [] }, "the servers of nats must be one address or a list of them, like 'nats://127.0.0.1:4222'"],
  [{ connection: {} }, 'the connection of nats must be one of @nats-io/transport-node: await connect(…)'],
  [{ servers: 'a', connect: 1 }, 'the connect of nats must be an object of options of the client, like { user, pass }'],
  [{ servers: 'a', prefix: 'a.b' }, `the prefix of nats must be 1 to 32 letters, digits or '-'; got "a.b"`],
  [{ servers: 'a', replicas: 2 }, 'the replicas of nats must be 1 or 3 or 5; got 2'],
  [{ servers: 'a', storage: 'disk' }, 'the storage of nats must be "file" or "memory"; got "disk"'],
  [{ servers: 'a', create: 'yes' }, 'the create of nats must be true or false; got "yes"'],
  [{ servers: 'a', maxBytes: 10 }, 'the maxBytes of nats must be a whole number, 1048576 or more; got 10'],
  [{ servers: 'a', keep: '0s' }, 'the keep of nats must be longer than nothing; got "0s"'],
  [
    { servers: 'a', maxAge: 5 },
    "the maxAge of nats must be a number with a unit, like '500ms', '90s', '1.5h' or '30d', at most 100 years; got number",
  ],
])('%j is refused: %s', (options, message) => {
  expect(refusal(options)).toBe(message)
})

test('an option that does not exist is refused, with those that do', () => {
  expect(refusal({ servers: 'a', server: 'b' })).toMatch(/^nats has no option "server"; it knows servers, connect, connection, /)
})

test('a connector needs a stream, and knows its options', () => {
  const { connector } = nats({ servers: 'nats://127.0.0.1:1' })
  expect(() => connector({ stream: 'a b' })).toThrow("a connector of nats needs the name of a stream: connector({ stream: 'ORDERS' })")
  expect(() => connector({ stream: 'A', subjects: [] })).toThrow('must be a list with at least one')
  // As from JavaScript.
  expect(() => connector({ stream: 'A', subject: 'a' } as never)).toThrow('has no option "subject"')
})

test('names become tokens of subjects, and no two the same', () => {
  const long = 'x'.repeat(300)
  const all = ['a', 'A', 'a b', 'a_b', 'a.b', 'a/b', 'a=2fb', 'é', '*', '>', long, `${long}y`]
  const tokens = all.map(tokenOf)
  expect(new Set(tokens).size).toBe(all.length)
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_=-]{1,120}$/)
  expect(new Names('w').event('orders', 'orders/paid', 3)).toBe('w.event.orders.orders=2fpaid.3')
})
