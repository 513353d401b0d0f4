/** A Redis server of our own for the one contender that needs it, as durable as Postgres is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place, Server, ServerReading } from './server.ts'

const startMs = 10_000
const lookEveryMs = 20

/** Throws where there is no `redis-server`. Every write is synced to the disk before it is answered. */
export async function openRedis(): Promise<Server> {
  const folder = mkdtempSync(join(process.env['BENCH_TMP'] ?? tmpdir(), 'workflow-bench-redis-'))
  const port = await freePort()
  const settings = { bind: '127.0.0.1', port: String(port), dir: folder, save: '', appendonly: 'yes', appendfsync: 'always' }
  // BullMQ asks for noeviction. An append-only file that is rewritten says nothing of what was appended.
  const more = { 'maxmemory-policy': 'noeviction', 'auto-aof-rewrite-percentage': '0' }
  const args = Object.entries({ ...settings, ...more }).flatMap(([name, value]) => [`--${name}`, value])
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  const kill = (): void => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answers(server, port)
    const version = field(await ask(port, 'INFO server'), 'redis_version')
    return {
      durability: `Redis ${version}: appendonly=yes appendfsync=always`,
      place: async () => placeOf(port),
      kill,
      [Symbol.asyncDispose]: async () => kill(),
    }
  } catch (error) {
    kill()
    throw error
  }
}

function placeOf(port: number): Place {
  return {
    url: `redis://127.0.0.1:${port}`,
    settle: async () => undefined,
    read: async (): Promise<ServerReading> => {
      const info = await ask(port, 'INFO')
      const number = (name: string): number => Number(field(info, name))
      return {
        cpuMs: (number('used_cpu_user') + number('used_cpu_sys')) * 1_000,
        databaseBytes: number('used_memory'),
        logBytes: number('aof_current_size'),
      }
    },
    [Symbol.asyncDispose]: async () => {
      await ask(port, 'FLUSHALL')
    },
  }
}

/** Resolves when it answers. */
async function answers(server: ChildProcess, port: number): Promise<void> {
  let failure: Error | undefined
  server.once('error', (error) => {
    failure = error
  })
  for (const end = performance.now() + startMs; performance.now() < end; await sleep(lookEveryMs)) {
    if (failure !== undefined) throw new Error(`redis-server does not start: ${failure.message}`, { cause: failure })
    if (server.exitCode !== null) throw new Error(`redis-server ended with code ${server.exitCode}`)
    if ((await ask(port, 'PING').catch(() => '')) !== '') return
  }
  throw new Error('redis-server does not answer')
}

/** One inline command on a connection of its own, and its answer. */
async function ask(port: number, command: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('error', reject)
  socket.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text))
  socket.write(`${command}\r\nQUIT\r\n`)
  return promise
}

/** A line `name:value` of what INFO answers. */
function field(info: string, name: string): string {
  const value = new RegExp(`^${name}:(.*)\r?$`, 'm').exec(info)?.[1]?.trim()
  if (value === undefined) throw new Error(`Redis does not say ${name}`)
  return value
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve))
  // A TCP server that listens has an address with a port.
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
