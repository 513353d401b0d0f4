import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePorts } from './server-folder.ts'

test('ports are free, all different, and below those that systems give to connections', async () => {
  const ports = await freePorts(40)
  expect(new Set(ports).size).toBe(40)
  expect(ports.filter((port) => port < 15_000 || port >= 32_000)).toEqual([])
  const servers = await Promise.all(
    ports.map(
      (port) =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject)
          server.listen(port, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
})
