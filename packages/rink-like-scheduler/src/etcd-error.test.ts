import { expect, test } from 'vitest'
import { asWorkflowError, EtcdRefusal, isTokenStale, refusalOf } from './etcd-error.ts'

test.each([
  // What 3.4, 3.5 and 3.7 answer, to a request and to the renewal of a lease.
  [503, '{"error":"etcdserver: no leader","code":14,"message":"etcdserver: no leader"}', 14, 'etcdserver: no leader'],
  [503, '{"code":14,"message":"etcdserver: request timed out"}', 14, 'etcdserver: request timed out'],
  [503, '{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}', 14, 'etcdserver: no leader'],
  [401, '{"error":{"code":16,"message":"etcdserver: invalid auth token"}}', 16, 'etcdserver: invalid auth token'],
  // And what others do who stand before it.
  [502, '<html>\n', 0, '502 <html>'],
  [500, 'null', 0, '500 null'],
  [500, '{"message":7}', 0, '500 {"message":7}'],
])('%i %s is read', (status, text, code, message) => {
  expect(refusalOf(status, text)).toMatchObject({ code, message })
})

test('a token that is not known is asked for anew, and no reason to give up', () => {
  const refusal = new EtcdRefusal(16, 'etcdserver: invalid auth token')
  expect(isTokenStale(refusal)).toBe(true)
  expect(asWorkflowError(refusal, 'http://etcd')).toMatchObject({ code: 'StoreUnavailable', retryable: true })
})

test('a connection that is cut while it is made secure is no fault of certificates', () => {
  const cut = Object.assign(new Error('Client network socket disconnected before secure TLS connection was established'), {
    code: 'ECONNRESET',
  })
  expect(asWorkflowError(cut, 'https://etcd')).toMatchObject({ code: 'StoreUnavailable', retryable: true })
  const unknown = Object.assign(new Error('unable to verify the first certificate'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  expect(asWorkflowError(unknown, 'https://etcd')).toMatchObject({ code: 'Configuration', message: expect.stringContaining('Look at tls') })
})
