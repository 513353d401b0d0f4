import { once } from 'node:events'
import { createServer } from 'node:net'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { isTlsFault } from './tls-fault.ts'

function errorOf(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}

test.each([
  errorOf('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
  errorOf('unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
  errorOf('certificate has expired', 'CERT_HAS_EXPIRED'),
  errorOf("Hostname/IP does not match certificate's altnames: Host: localhost.", 'ERR_TLS_CERT_ALTNAME_INVALID'),
  errorOf('write EPROTO 00:error:0A00010B:SSL routines::wrong version number', 'EPROTO'),
  errorOf("server does not support 'tls'"),
  errorOf('The server does not support SSL connections'),
  errorOf('error:0480006C:PEM routines::no start line', 'ERR_OSSL_PEM_NO_START_LINE'),
  new AggregateError([errorOf('connect ECONNREFUSED ::1:4222'), errorOf('self-signed certificate')]),
  new Error('connection failed', { cause: errorOf('self-signed certificate') }),
])('%s is one', (error) => {
  expect(isTlsFault(error)).toBe(true)
})

test.each([
  errorOf('Client network socket disconnected before secure TLS connection was established', 'ECONNRESET'),
  errorOf('TLS handshake timeout'),
  errorOf('connect ECONNREFUSED 127.0.0.1:4222', 'ECONNREFUSED'),
  errorOf('the settlement failed'),
  'self-signed certificate',
  undefined,
])('%s is none', (error) => {
  expect(isTlsFault(error)).toBe(false)
})

test('what Node says of a server that speaks something else is one', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined).end('INFO {"hello": true}\r\n'))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  const [error] = await once(connect({ host: '127.0.0.1', port: address.port }), 'error').catch((failure: unknown) => [failure])
  expect(isTlsFault(error)).toBe(true)
})
