import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { postgresBinaries } from './postgres-binaries.ts'
import { startPostgres } from './postgres-server.ts'

const [binaries] = postgresBinaries()

test.skipIf(binaries === undefined)(
  'a server of a process that was killed is cleared away by whoever starts the next',
  { timeout: 30_000 },
  async () => {
    if (binaries === undefined) return
    const script = `
    import { postgresBinaries } from '${import.meta.dirname}/postgres-binaries.ts'
    import { startPostgres } from '${import.meta.dirname}/postgres-server.ts'
    const server = await startPostgres(postgresBinaries()[0])
    process.stdout.write(server.folder, () => process.kill(process.pid, 'SIGKILL'))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' })
    expect(existsSync(join(stdout, 'data', 'postmaster.pid'))).toBe(true)
    const server = await startPostgres(binaries)
    expect([existsSync(stdout), existsSync(server.folder)]).toEqual([false, true])
    server.stop('immediate')
    server.start()
    server.remove()
    expect(readdirSync(tmpdir())).not.toContain(server.folder.slice(tmpdir().length + 1))
  },
)

/** As after a power cut: the files say that a server runs, and its process id is of somebody else by now. */
function leftBehind(programs: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-postgres-18-'))
  const data = join(folder, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n`)
  writeFileSync(join(folder, 'log'), '')
  const ended = spawnSync(process.execPath, ['--eval', '']).pid
  writeFileSync(join(folder, 'owner'), JSON.stringify({ pid: ended, place: { major: 18, folder, binaries: programs, port: 1 } }))
  return folder
}

test.skipIf(binaries === undefined)(
  'what a power cut left of a server hinders no other, and stops nobody',
  { timeout: 30_000 },
  async () => {
    if (binaries === undefined) return
    const folders = [leftBehind(binaries.folder), leftBehind('/no/such/folder')]
    const server = await startPostgres(binaries)
    expect(folders.filter((folder) => existsSync(folder))).toEqual([])
    server.remove()
  },
)
