/** Sockets of one instance, which can be cut off like those of a killed process. */
import type { ISocketFactory } from 'kafkajs'
import { connect, type Socket } from 'node:net'

export class KillableSockets {
  readonly #open = new Set<Socket>()
  #dead = false

  readonly factory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect)
    if (this.#dead) socket.destroy(new Error('the process is dead'))
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }

  get size(): number {
    return this.#open.size
  }

  /** Nothing goes out any more, and nothing comes in. */
  kill(): void {
    this.#dead = true
    for (const socket of this.#open) socket.destroy(new Error('the process is dead'))
  }
}
