/**
 * Addresses of servers, as other clients of NATS take them: with a user and password or a token before the host, and `tls://` where
 * nothing else than TLS will do. The client that is used here passes over both, and would connect without them.
 */
import { Configuration } from '@workflow/core/adapter'
import type { NodeConnectionOptions } from '@nats-io/transport-node'

type ConnectOptions = Omit<NodeConnectionOptions, 'servers'>

/** Addresses without secrets, and options of the client with what they said. */
export interface ServerAddresses {
  readonly servers: readonly string[]
  readonly connect: ConnectOptions
}

type Credentials = Pick<ConnectOptions, 'user' | 'pass' | 'token'>

/** What is in `connect` wins over what is in addresses. Throws `Configuration` where addresses differ in their credentials. */
export function serverAddresses(servers: readonly string[], connect: ConnectOptions): ServerAddresses {
  const found = servers.map(parted)
  const own = (['user', 'token', 'authenticator'] as const).some((name) => connect[name] !== undefined)
  const distinct = new Map(
    found.flatMap(({ credentials }) => (credentials === undefined ? [] : [[JSON.stringify(credentials), credentials]])),
  )
  if (!own && distinct.size > 1)
    throw new Configuration('the servers of nats have different credentials: give those that hold for all of them, in the option connect')
  const [credentials] = distinct.values()
  return {
    servers: found.map(({ server }) => server),
    connect: {
      ...(own ? {} : credentials),
      ...(servers.some((server) => /^tls:\/\//i.test(server)) ? { tls: {} } : {}),
      ...connect,
    },
  }
}

function parted(address: string): { readonly server: string; readonly credentials?: Credentials } {
  const [, scheme = '', before, host = address] = /^([a-z]+:\/\/)?(?:(.*)@)?([^@]*)$/i.exec(address) ?? []
  if (before === undefined) return { server: address }
  const [user = '', ...rest] = before.split(':')
  try {
    const name = decodeURIComponent(user)
    const credentials = rest.length === 0 ? { token: name } : { user: name, pass: decodeURIComponent(rest.join(':')) }
    return { server: `${scheme}${host}`, credentials }
  } catch (cause) {
    // Without the address, which has a secret in it.
    throw new Configuration(
      'the user or password in the servers of nats cannot be read: write % and other special characters as %25 and the like, or give them in the option connect',
      { cause },
    )
  }
}
