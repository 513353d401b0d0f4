import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { trackedSockets } from './tracked-sockets.ts'

test('sockets are ended all at once, and so is one that is opened afterwards', async () => {
  const { factory, destroy } = trackedSockets(() => new Socket())
  const open = (): Socket => factory({ host: '127.0.0.1', port: 1, ssl: {}, onConnect: () => undefined })
  const errorOf = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('error', resolve))
  const early = errorOf(open())
  destroy()
  const late = open()
  expect(late.destroyed).toBe(true)
  for (const error of [early, errorOf(late)]) expect(await error).toMatchObject({ message: 'the connection is being closed' })
})
