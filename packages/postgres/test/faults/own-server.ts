/** A server that belongs to one test, which may break it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { postgresBinaries } from '../../../../scripts/services/postgres-binaries.ts'
import { type PostgresServer, startPostgres } from '../../../../scripts/services/postgres-server.ts'
import { serverUser } from '../../../../scripts/services/server-user.ts'

const startTriesMax = 100

export class OwnServer implements Disposable {
  readonly #server: PostgresServer

  private constructor(server: PostgresServer) {
    this.#server = server
  }

  /** Whether there are programs to start one. */
  static available(): boolean {
    return postgresBinaries().length > 0
  }

  /** What was committed survives the death of its processes; only that of the machine it need not. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<OwnServer> {
    const [binaries] = postgresBinaries()
    if (binaries === undefined) throw new Error('there is no Postgres to start: node scripts/services.ts install')
    const durable = { synchronous_commit: 'on', full_page_writes: 'on' }
    return new OwnServer(await startPostgres(binaries, { settings: { ...durable, shared_buffers: '64MB', ...settings } }))
  }

  get url(): string {
    return this.#server.url
  }

  /** Ends without a checkpoint and without a word to its clients, and starts again. */
  async restartImmediately(): Promise<void> {
    await this.#control('stop', '-m', 'immediate')
    await this.#startAgain()
  }

  /** `kill -9` of the process above all others, and starts again. */
  async restartKilled(): Promise<void> {
    const [pid] = readFileSync(join(this.#server.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGKILL')
    await this.#startAgain()
  }

  /** One session as its superuser. */
  async session<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'test' })
    // The server may end it: the next statement throws.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  [Symbol.dispose](): void {
    this.#server.remove()
  }

  /** The children of a killed server notice it one by one; until then it cannot be started. */
  async #startAgain(): Promise<void> {
    for (let attempt = 1; !(await this.#control('start', '-l', join(this.#server.folder, 'log'))); attempt++) {
      if (attempt >= startTriesMax)
        throw new Error(`the server does not start again: ${readFileSync(join(this.#server.folder, 'log'), 'utf8').slice(-2_000)}`)
      await sleep(100)
    }
  }

  async #control(command: 'start' | 'stop', ...args: readonly string[]): Promise<boolean> {
    const { folder, binaries } = this.#server
    const child = spawn(join(binaries, 'pg_ctl'), [command, '-D', join(folder, 'data'), '-w', '-t', '30', ...args], {
      ...serverUser(),
      cwd: folder,
      stdio: 'ignore',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code === 0
  }
}
