/** The files of one database, and who else has it open. */
import { type RoleScheduler, Configuration } from '@workflow/core'
import { roleOf } from '@workflow/core/adapter'
import { sqlite, type Sqlite } from '@workflow/sqlite'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { type Broker, brokers } from './cli-options.ts'
import { orders } from './orders.contract.ts'

export interface DataFiles {
  readonly db: string
  /** The simulated payment service's own books. */
  readonly ledger: string
  readonly log: string
  /** Which server carries the events, by broker. */
  readonly servers: Readonly<Record<Broker, string>>
}

const slots = 16
const roles = Array.from({ length: slots }, (_, slot) => roleOf(orders.name, slot))

export function dataFiles(db: string): DataFiles {
  const stem = db.replace(/\.db$/, '')
  return {
    db,
    ledger: `${stem}.payments.db`,
    log: `${stem}.log`,
    servers: { kafka: `${stem}.kafka.json`, nats: `${stem}.nats.json` },
  }
}

/** Every port on the file. FULL: a charge that the ledger remembers must not be forgotten here by a power cut. */
export async function openDatabase({ db }: DataFiles): Promise<Sqlite> {
  await mkdir(dirname(db), { recursive: true })
  return sqlite({ file: db, synchronous: 'FULL', instance: `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}` })
}

/** Deletes everything. Throws `Configuration` while another process uses it. */
export async function resetFiles(files: DataFiles): Promise<void> {
  if (existsSync(files.db)) {
    await using database = await openDatabase(files)
    const others = await otherProcesses(database.roleScheduler)
    if (others.length > 0)
      throw new Configuration(
        `${files.db} is in use by process ${others.join(', ')}: stop it first, or leave --reset out and share the work`,
      )
  }
  // Only where there is something to forget: what it takes is not loaded otherwise.
  for (const broker of brokers.filter((name) => existsSync(files.servers[name])))
    await (await import('./broker-server.ts')).forgetServer(broker, files.servers[broker])
  const all = [files.log, ...[files.db, files.ledger].flatMap((file) => [file, `${file}-wal`, `${file}-shm`])]
  await Promise.all(all.map((file) => rm(file, { force: true })))
}

/** The process ids of those who hold a part of the orders. One that was killed keeps its part for three seconds: it is left out. */
export async function otherProcesses(scheduler: RoleScheduler): Promise<readonly number[]> {
  const instances = new Set([...(await scheduler.holders(roles)).values()].map(({ instance }) => instance))
  return [...instances]
    .filter((instance) => instance.startsWith(`${hostname()} `))
    .map((instance) => Number.parseInt(instance.slice(hostname().length + 1), 10))
    .filter((pid) => pid !== process.pid && isAlive(pid))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Somebody else's process is alive, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
