/** Users, roles and certificates of etcd. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EtcdServer, startEtcd } from '../../../scripts/services/etcd-server.ts'
import { Crew } from './crew.ts'
import { binary, etcdCall } from './etcd.ts'
import { Proxy } from './proxy.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) console.error('THE TESTS OF TLS ARE SKIPPED: there is no openssl to make certificates with')

describe.skipIf(binary === undefined)('an etcd with users', { timeout: 30_000 }, () => {
  let server: EtcdServer
  const root = { username: 'root', password: 'root secret' }
  const app = { username: 'app', password: 'app secret' }
  const crew = (options: object): Crew => new Crew({ endpoints: server.url, ...options })
  const refused = async (options: object, message: string): Promise<void> => {
    await using some = crew(options)
    const scheduler = some.open('a')
    const expected = { code: 'Configuration', retryable: false, message: expect.stringContaining(message) }
    await expect(some.ask(scheduler, 'orders/0')).rejects.toMatchObject(expected)
    await expect(scheduler.holders(['orders/0'])).rejects.toMatchObject(expected)
  }

  beforeAll(async () => {
    if (binary === undefined) throw new Error('there is no etcd')
    server = await startEtcd(binary)
    const encoded = (text: string): string => Buffer.from(text).toString('base64')
    for (const { username, password } of [root, app]) await etcdCall(server.url, '/v3/auth/user/add', { name: username, password })
    for (const name of ['root', 'workflow']) await etcdCall(server.url, '/v3/auth/role/add', { name })
    const perm = { permType: 'READWRITE', key: encoded('shop//'), range_end: encoded('shop/0') }
    await etcdCall(server.url, '/v3/auth/role/grant', { name: 'workflow', perm })
    await etcdCall(server.url, '/v3/auth/user/grant', { user: 'root', role: 'root' })
    await etcdCall(server.url, '/v3/auth/user/grant', { user: 'app', role: 'workflow' })
  })

  afterAll(() => server?.remove())

  test('refuses a user as long as authentication is not enabled', () =>
    refused({ auth: app, prefix: 'shop' }, 'authentication is not enabled. Leave auth out, or enable it: etcdctl auth enable'))

  test('once it is, a user with the right role is all that a scheduler needs', async () => {
    await etcdCall(server.url, '/v3/auth/enable', {})
    await using some = crew({ auth: app, lease: '5s' })
    const [a, b] = [some.open('a', { prefix: 'shop' }), some.open('b', { prefix: 'shop' })]
    const lease = await some.ask(a, 'orders/0')
    const waiting = some.ask(b, 'orders/0')
    // Users have changed since our tokens were given; and then etcd has forgotten them.
    const { token } = (await etcdCall(server.url, '/v3/auth/authenticate', { name: 'root', password: root.password })) as { token: string }
    const later = { method: 'POST', body: JSON.stringify({ name: 'later', password: 'x' }), headers: { authorization: token } }
    expect((await fetch(new URL('/v3/auth/user/add', server.url), later)).status).toBe(200)
    expect((await a.holders(['orders/0'])).get('orders/0')?.instance).toBe('a')
    await server.kill()
    await server.start()
    await lease.release()
    expect((await waiting).isValid()).toBe(true)
    expect((await a.holders(['orders/0'])).get('orders/0')?.instance).toBe('b')
  })

  test('refuses a wrong password, and the message does not tell it', async () => {
    await refused(
      { auth: { ...app, password: 'wrong' }, prefix: 'shop' },
      'invalid user ID or password. Give another username or password in auth',
    )
  })

  test('a user that may write no longer: close ends all the same', async () => {
    await using some = crew({ auth: app, prefix: 'shop' })
    const scheduler = some.open('a')
    await some.ask(scheduler, 'orders/1')
    const { token } = (await etcdCall(server.url, '/v3/auth/authenticate', { name: 'root', password: root.password })) as { token: string }
    const perm = { permType: 'READ', key: Buffer.from('shop//').toString('base64'), range_end: Buffer.from('shop/0').toString('base64') }
    const grant = { method: 'POST', body: JSON.stringify({ name: 'workflow', perm }), headers: { authorization: token } }
    expect((await fetch(new URL('/v3/auth/role/grant', server.url), grant)).status).toBe(200)
    await scheduler.close()
  })

  test('refuses whoever names no user', () => refused({ prefix: 'shop' }, 'It wants a user: give auth'))

  test('refuses a user without the right to the prefix', () =>
    refused({ auth: app, prefix: 'bakery' }, 'permission denied. The user of auth needs a role with readwrite on the prefix'))
})

describe.skipIf(binary === undefined || !hasOpenssl)('an etcd with certificates', { timeout: 30_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-certificates-'))
  const path = (name: string): string => join(folder, name)
  const pem = (name: string): string => readFileSync(path(name), 'utf8')
  let server: EtcdServer

  beforeAll(async () => {
    const openssl = (...args: readonly string[]): void => {
      const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
      if (status !== 0) throw new Error(stderr)
    }
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem')
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE']
    openssl(
      'req',
      '-x509',
      ...key,
      ...signed,
      '-subj',
      '/O=etcd',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      'server.key',
      '-out',
      'server.pem',
    )
    openssl('req', '-x509', ...key, ...signed, '-subj', '/O=app', '-keyout', 'client.key', '-out', 'client.pem')
    const files = [
      '--cert-file',
      path('server.pem'),
      '--key-file',
      path('server.key'),
      '--trusted-ca-file',
      path('ca.pem'),
      '--client-cert-auth',
    ]
    const isReady = (url: string): Promise<boolean> =>
      new Promise((resolve, reject) => {
        const asked = request(`${url}/health`, { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') }, (response) => {
          response.resume()
          resolve(response.statusCode === 200)
        })
        asked.on('error', reject).end()
      })
    if (binary === undefined) throw new Error('there is no etcd')
    server = await startEtcd(binary, { scheme: 'https', args: files, isReady })
  })

  afterAll(() => {
    server?.remove()
    rmSync(folder, { recursive: true })
  })

  test('serves whoever has one', async () => {
    const tls = { ca: pem('ca.pem'), cert: pem('client.pem'), key: readFileSync(path('client.key')) }
    await using crew = new Crew({ endpoints: server.url, tls })
    const [a, b] = [crew.open('a'), crew.open('b')]
    const lease = await crew.ask(a, 'orders/0')
    const waiting = crew.ask(b, 'orders/0')
    await lease.release()
    expect((await waiting).isValid()).toBe(true)
  })

  test.each([
    ['an authority that it does not know', (): object => ({}), 'no TLS connection to etcd at https://127.0.0.1:'],
    ['another name', (): object => ({ ca: pem('ca.pem'), servername: 'example.org' }), 'no TLS connection to etcd at https://127.0.0.1:'],
    ['no certificate of its own', (): object => ({ ca: pem('ca.pem') }), 'no TLS connection to etcd at https://127.0.0.1:'],
  ])('%s is a Configuration error', async (_, tls, message) => {
    await using crew = new Crew({ endpoints: server.url, tls: tls() })
    await expect(crew.ask(crew.open('a'), 'orders/0')).rejects.toMatchObject({
      code: 'Configuration',
      message: expect.stringContaining(message),
    })
  })

  test('a way to it that is cut is tried again, and is no Configuration error', async () => {
    const tls = { ca: pem('ca.pem'), cert: pem('client.pem'), key: pem('client.key') }
    const proxy = await Proxy.to(server.url)
    proxy.refuseAll()
    await using crew = new Crew({ endpoints: proxy.url.replace('http:', 'https:'), tls, connectTimeout: '20s' })
    const scheduler = crew.open('a')
    await expect(scheduler.holders(['orders/0'])).rejects.toMatchObject({ code: 'StoreUnavailable', retryable: true })
    const waiting = crew.ask(scheduler, 'orders/0')
    await expect.poll(() => proxy.refused, { timeout: 10_000 }).toBeGreaterThan(2)
    proxy.thaw()
    expect((await waiting).isValid()).toBe(true)
    await scheduler.close()
    await proxy.close()
  })
})
