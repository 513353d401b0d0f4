import { isWorkflowError } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { rinkLikeScheduler } from './index.ts'
import { type RinkLikeOptions, settingsOf } from './settings.ts'

const endpoints = 'http://127.0.0.1:2379'

function messageOf(options: unknown): string {
  try {
    // From JavaScript anything may come.
    rinkLikeScheduler(options as RinkLikeOptions)
  } catch (error) {
    if (isWorkflowError(error, 'Configuration')) return error.message
    throw error
  }
  return 'nothing is wrong'
}

test.each([
  [undefined, 'rinkLikeScheduler takes an object of options, like rinkLikeScheduler({ endpoints }); got undefined'],
  [null, 'got null'],
  [{}, 'each of the endpoints of rinkLikeScheduler must be a URL like http://127.0.0.1:2379'],
  [{ endpoints: [] }, 'rinkLikeScheduler needs endpoints, like http://127.0.0.1:2379'],
  [{ endpoints: '127.0.0.1:2379' }, 'each of the endpoints of rinkLikeScheduler must be a URL'],
  [{ endpoints: 'ftp://127.0.0.1' }, 'each of the endpoints of rinkLikeScheduler must be a URL'],
  [{ endpoints: [endpoints, 7] }, 'each of the endpoints of rinkLikeScheduler must be a URL'],
  [{ endpoints: 'http://me:secret@127.0.0.1:2379' }, 'may have no user in them: give auth: { username, password }'],
  [{ endpoints: 'http://127.0.0.1:2379/v3' }, 'end with the port, like http://127.0.0.1:2379'],
  [{ endpoints, hosts: 1 }, 'rinkLikeScheduler has no option "hosts"; it knows endpoints, prefix'],
  [{ endpoints, prefix: '' }, `the prefix of rinkLikeScheduler must be up to 200 letters`],
  [{ endpoints, prefix: 'a//b' }, 'got "a//b"'],
  [{ endpoints, prefix: '/a' }, 'got "/a"'],
  [{ endpoints, prefix: 'a/' }, 'got "a/"'],
  [{ endpoints, prefix: 'ä' }, 'got "ä"'],
  [{ endpoints, prefix: 'a'.repeat(201) }, 'up to 200 letters'],
  [{ endpoints, lease: '500ms' }, 'the lease of rinkLikeScheduler must be whole seconds, from 1s to 60s; got 500ms'],
  [{ endpoints, lease: '1500ms' }, 'must be whole seconds'],
  [{ endpoints, lease: '2m' }, 'must be whole seconds, from 1s to 60s; got 2m'],
  [{ endpoints, lease: '0s' }, 'the lease of rinkLikeScheduler must be longer than nothing'],
  [{ endpoints, lease: 'soon' }, 'the lease of rinkLikeScheduler'],
  [{ endpoints, instance: '' }, 'the instance of rinkLikeScheduler must be a name of up to 1,024 characters'],
  [{ endpoints, instance: '\ud800' }, 'the instance of rinkLikeScheduler'],
  [{ endpoints, auth: { username: 'me' } }, 'the auth of rinkLikeScheduler must be { username, password }'],
  [{ endpoints, auth: null }, 'the auth of rinkLikeScheduler must be { username, password }'],
  [{ endpoints, auth: { username: 'me', password: 'x', realm: 1 } }, 'auth of rinkLikeScheduler has no option "realm"'],
  [{ endpoints, tls: {} }, 'rinkLikeScheduler has tls, so each of its endpoints must begin with https:'],
  [{ endpoints: 'https://etcd:2379', tls: { cert: 'x' } }, 'cert and key of tls of rinkLikeScheduler go together: give both or none'],
  [{ endpoints: 'https://etcd:2379', tls: { ca: 7 } }, 'the ca of tls of rinkLikeScheduler must be text'],
  [{ endpoints: 'https://etcd:2379', tls: { servername: '' } }, 'the servername of tls of rinkLikeScheduler must be text'],
  [{ endpoints: 'https://etcd:2379', tls: { rejectUnauthorized: false } }, 'has no option "rejectUnauthorized"'],
  [{ endpoints: 'https://etcd:2379', tls: 'x' }, 'the tls of rinkLikeScheduler must be an object like { ca }'],
  [{ endpoints, requestTimeout: '0s' }, 'the requestTimeout of rinkLikeScheduler must be longer than nothing'],
  [{ endpoints, connectTimeout: -1 }, 'the connectTimeout of rinkLikeScheduler'],
])('%j is refused: %s', (options, message) => {
  expect(messageOf(options)).toContain(message)
})

test('a password in an endpoint is in no message', () => {
  for (const url of ['http://me:secret@host:2379', 'me:secret@host', 'http://me:secret@host:99999'])
    expect(messageOf({ endpoints: url })).not.toContain('secret')
})

test('what is not said has defaults', () => {
  const { prefix, leaseSeconds, requestTimeoutMs, connectTimeoutMs, auth, tls } = settingsOf({ endpoints })
  expect([prefix, leaseSeconds, requestTimeoutMs, connectTimeoutMs, auth, tls]).toEqual([
    'workflow',
    3,
    2_000,
    10_000,
    undefined,
    undefined,
  ])
  expect(rinkLikeScheduler({ endpoints, instance: 'a' }).instance).toBe('a')
})
