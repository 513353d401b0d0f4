import { expect, test } from 'vitest'
import { storeError } from './driver-error.ts'

test.each([
  new Error('The server does not support SSL connections'),
  Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
])('TLS that cannot be had is a mistake in the configuration: %s', (cause) => {
  const message = `no TLS connection to Postgres: ${cause.message}; look at sslmode and sslrootcert in the URL, or at ssl of the Pool`
  expect(storeError(cause, 'workflow')).toMatchObject({ code: 'Configuration', retryable: false, message, cause })
})

test('a connection that is cut while it is made secure may be had later', () => {
  const message = 'Client network socket disconnected before secure TLS connection was established'
  const cut = Object.assign(new Error(message), { code: 'ECONNRESET' })
  expect(storeError(cut, 'workflow')).toMatchObject({ code: 'StoreUnavailable', retryable: true })
})
