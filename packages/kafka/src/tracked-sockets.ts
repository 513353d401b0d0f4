/** Sockets that can all be ended at once, those that are opened afterwards included: kafkajs waits for requests that Kafka answers when something happens. */
import type { ISocketFactory } from 'kafkajs'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

const keepAliveMs = 60_000

export interface TrackedSockets {
  readonly factory: ISocketFactory
  readonly destroy: () => void
}

/** Wraps a factory of sockets, or makes them like kafkajs does. */
export function trackedSockets(factory: ISocketFactory = openSocket): TrackedSockets {
  const open = new Set<Socket>()
  let ended = false
  return {
    factory: (options) => {
      const socket = factory(options)
      // What kafkajs tries again behind our back after the end.
      if (ended) socket.destroy(ending())
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    },
    // Without an error kafkajs would not notice, and wait on.
    destroy: () => {
      ended = true
      for (const socket of open) socket.destroy(ending())
    },
  }
}

function ending(): Error {
  return new Error('the connection is being closed')
}

const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const socket =
    // kafkajs passes options of Node's TLS, or true.
    ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...(ssl as object) }, onConnect)
      : connect({ host, port }, onConnect)
  return socket.setKeepAlive(true, keepAliveMs)
}
