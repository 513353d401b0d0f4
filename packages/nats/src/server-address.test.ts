import { expect, test } from 'vitest'
import { serverAddresses } from './server-address.ts'

test.each([
  ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222', {}],
  ['localhost', 'localhost', {}],
  ['nats://app:secret@a:4222', 'nats://a:4222', { user: 'app', pass: 'secret' }],
  ['app:s%40c:r%25t@a:4222', 'a:4222', { user: 'app', pass: 's@c:r%t' }],
  ['nats://app:p@ss@[::1]:4222', 'nats://[::1]:4222', { user: 'app', pass: 'p@ss' }],
  ['nats://t0ken@a', 'nats://a', { token: 't0ken' }],
  ['tls://a:4222', 'tls://a:4222', { tls: {} }],
  ['TLS://app:secret@a', 'TLS://a', { user: 'app', pass: 'secret', tls: {} }],
])('%s is read', (address, server, connect) => {
  expect(serverAddresses([address], {})).toEqual({ servers: [server], connect })
})

test('options win over addresses, of which no secret stays', () => {
  const tls = { caFile: 'ca.pem' }
  const options = { user: 'me', pass: 'mine', tls }
  expect(serverAddresses(['tls://app:secret@a', 'tls://other:secret@b'], options)).toEqual({
    servers: ['tls://a', 'tls://b'],
    connect: options,
  })
  const authenticator = (): { readonly user: string } => ({ user: 'me' })
  expect(serverAddresses(['nats://app:secret@a'], { authenticator })).toEqual({ servers: ['nats://a'], connect: { authenticator } })
})

test('one address may say it for all; two may not say different things', () => {
  expect(serverAddresses(['nats://app:secret@a', 'nats://b', 'nats://app:secret@c'], {})).toEqual({
    servers: ['nats://a', 'nats://b', 'nats://c'],
    connect: { user: 'app', pass: 'secret' },
  })
  expect(() => serverAddresses(['nats://app:secret@a', 'nats://app:guessed@b'], {})).toThrow('have different credentials')
})

test('what cannot be read is refused without being told', () => {
  expect(() => serverAddresses(['nats://app:100%@a'], {})).toThrow(/cannot be read: write % and other special characters as %25(?!.*100)/)
})
