import { checkedMs, type Clock, Configuration, type Duration, type Random, systemClock, systemRandom } from '@workflow/core/adapter'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/** Who we are to an etcd with authentication. */
export interface EtcdAuth {
  readonly username: string
  readonly password: string
}

/** Certificates and keys are the text of PEM files, or their bytes. */
export interface EtcdTls {
  /** The authority that has signed etcd's certificate. @default those that Node knows */
  readonly ca?: string | Uint8Array
  /** Our own certificate, where etcd has --client-cert-auth. Its key goes with it. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  /** Of the key, where it is encrypted. */
  readonly passphrase?: string
  /** The name in etcd's certificate, where it is not that of the endpoint. */
  readonly servername?: string
}

/** Options of `rinkLikeScheduler`. */
export interface RinkLikeOptions {
  /** One or more members of one etcd cluster, like `'http://127.0.0.1:2379'`; the next is used where one does not answer. */
  readonly endpoints: string | readonly string[]
  /**
   * What all keys begin with: schedulers share roles when cluster and prefix are the same. Letters, digits and `._-`, in parts
   * between `/`; 200 characters at most.
   * @default 'workflow'
   */
  readonly prefix?: string
  /** How long a killed process keeps its roles. Whole seconds, from 1 to 60; etcd makes it at least 1.5 times its election timeout. @default '3s' */
  readonly lease?: Duration
  /** How this process is called in leases and histories. @default host, process id and a random part */
  readonly instance?: string
  readonly auth?: EtcdAuth
  readonly tls?: EtcdTls
  /** After how long a request is given up, and sent to the next endpoint. @default '2s' */
  readonly requestTimeout?: Duration
  /** How long `awaitRole` goes on trying to reach etcd before it throws `StoreUnavailable`. @default '10s' */
  readonly connectTimeout?: Duration
  /** @default systemClock */
  readonly clock?: Clock
  /** Spreads attempts that failed together. @default systemRandom */
  readonly random?: Random
}

/** `RinkLikeOptions`, checked and with defaults. */
export interface Settings {
  readonly endpoints: readonly URL[]
  readonly prefix: string
  readonly leaseSeconds: number
  readonly instance: string
  readonly auth: EtcdAuth | undefined
  readonly tls: EtcdTls | undefined
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly clock: Clock
  readonly random: Random
}

const known: ReadonlySet<string> = new Set([
  'endpoints',
  'prefix',
  'lease',
  'instance',
  'auth',
  'tls',
  'requestTimeout',
  'connectTimeout',
  'clock',
  'random',
] satisfies (keyof RinkLikeOptions)[])

/** Throws `Configuration`. */
export function settingsOf(options: RinkLikeOptions): Settings {
  // From JavaScript anything may come.
  if (typeof options !== 'object' || options === null)
    throw new Configuration(
      `rinkLikeScheduler takes an object of options, like rinkLikeScheduler({ endpoints }); got ${JSON.stringify(options)}`,
    )
  assertKnown(options, known, 'rinkLikeScheduler')
  const endpoints = checkedEndpoints(options.endpoints)
  return {
    endpoints,
    prefix: checkedPrefix(options.prefix ?? 'workflow'),
    leaseSeconds: checkedLease(options.lease ?? '3s'),
    instance: checkedInstance(options.instance ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`),
    auth: options.auth === undefined ? undefined : checkedAuth(options.auth),
    tls: options.tls === undefined ? undefined : checkedTls(options.tls, endpoints),
    requestTimeoutMs: checkedMs(options.requestTimeout ?? '2s', 'the requestTimeout of rinkLikeScheduler', 1),
    connectTimeoutMs: checkedMs(options.connectTimeout ?? '10s', 'the connectTimeout of rinkLikeScheduler', 1),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  }
}

function assertKnown(options: object, names: ReadonlySet<string>, of: string): void {
  for (const name of Object.keys(options)) {
    if (!names.has(name)) throw new Configuration(`${of} has no option ${JSON.stringify(name)}; it knows ${[...names].join(', ')}`)
  }
}

function checkedEndpoints(endpoints: RinkLikeOptions['endpoints']): readonly URL[] {
  const all: readonly unknown[] = Array.isArray(endpoints) ? endpoints : [endpoints]
  if (all.length === 0) throw new Configuration('rinkLikeScheduler needs endpoints, like http://127.0.0.1:2379')
  return all.map((endpoint) => {
    // The text itself stays out of the messages: a password may be in it.
    const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined
    if (url === undefined || !['http:', 'https:'].includes(url.protocol))
      throw new Configuration('each of the endpoints of rinkLikeScheduler must be a URL like http://127.0.0.1:2379')
    if (url.username !== '' || url.password !== '')
      throw new Configuration('the endpoints of rinkLikeScheduler may have no user in them: give auth: { username, password }')
    if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
      throw new Configuration(`the endpoints of rinkLikeScheduler end with the port, like ${url.origin}`)
    return url
  })
}

function checkedPrefix(prefix: string): string {
  if (typeof prefix !== 'string' || prefix.length > 200 || !/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(prefix))
    throw new Configuration(
      `the prefix of rinkLikeScheduler must be up to 200 letters, digits and '._-', in parts between '/', like 'shop/orders'; got ${JSON.stringify(prefix)}`,
    )
  return prefix
}

function checkedLease(lease: Duration): number {
  const leaseMs = checkedMs(lease, 'the lease of rinkLikeScheduler', 1)
  if (leaseMs % 1_000 !== 0 || leaseMs > 60_000)
    throw new Configuration(`the lease of rinkLikeScheduler must be whole seconds, from 1s to 60s; got ${String(lease)}`)
  return leaseMs / 1_000
}

function checkedInstance(instance: string): string {
  if (typeof instance !== 'string' || instance === '' || instance.length > 1_024 || !instance.isWellFormed())
    throw new Configuration('the instance of rinkLikeScheduler must be a name of up to 1,024 characters')
  return instance
}

function checkedAuth(auth: EtcdAuth): EtcdAuth {
  const { username, password } = typeof auth === 'object' && auth !== null ? auth : ({} as Partial<EtcdAuth>)
  if (typeof username !== 'string' || username === '' || typeof password !== 'string' || password === '')
    throw new Configuration('the auth of rinkLikeScheduler must be { username, password }')
  assertKnown(auth, new Set(['username', 'password']), 'auth of rinkLikeScheduler')
  return { username, password }
}

const tlsNames = ['ca', 'cert', 'key', 'passphrase', 'servername'] as const satisfies (keyof EtcdTls)[]

function checkedTls(tls: EtcdTls, endpoints: readonly URL[]): EtcdTls {
  if (typeof tls !== 'object' || tls === null) throw new Configuration('the tls of rinkLikeScheduler must be an object like { ca }')
  assertKnown(tls, new Set(tlsNames), 'tls of rinkLikeScheduler')
  for (const name of tlsNames) {
    const value: unknown = tls[name]
    if (value !== undefined && (value === '' || !(typeof value === 'string' || (value instanceof Uint8Array && name !== 'servername'))))
      throw new Configuration(`the ${name} of tls of rinkLikeScheduler must be text`)
  }
  if ((tls.cert === undefined) !== (tls.key === undefined))
    throw new Configuration('cert and key of tls of rinkLikeScheduler go together: give both or none')
  if (endpoints.some(({ protocol }) => protocol !== 'https:'))
    throw new Configuration('rinkLikeScheduler has tls, so each of its endpoints must begin with https:')
  return { ...tls }
}
