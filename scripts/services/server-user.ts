/** Postgres refuses to run as root: then somebody else must, who can read its programs and owns its data. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** As whom a server runs. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** Undefined where this process may run servers as itself. */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : []
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  return { uid: 65_534, gid: 65_534 }
}

/** A folder of these programs that `user` can run: where they are, else a copy inside of `folder`. */
export function runnableBinaries(binaries: string, user: ServerUser | undefined, folder: string): string {
  if (user === undefined) return binaries
  const { status } = spawnSync(join(binaries, 'initdb'), ['--version'], { ...user, cwd: '/' })
  if (status === 0) return binaries
  const copy = join(folder, 'native')
  cpSync(dirname(binaries), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}
