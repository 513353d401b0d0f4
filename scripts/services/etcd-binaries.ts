/**
 * The program of etcd: one of the system, or one that is built from Go's modules into a cache. `go install` refuses etcd for the
 * replacements in its go.mod, so a module of six lines calls its main function.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface EtcdBinary {
  readonly version: string
  readonly program: string
  /** Where it comes from, for messages. */
  readonly origin: string
}

export const etcdVersion = '3.7.3'

/** What can be started here as it is: what `WORKFLOW_TEST_ETCD_PROGRAM` names, to test another version, the one that we have built, or the system's. */
export function etcdBinary(): EtcdBinary | undefined {
  const named = process.env['WORKFLOW_TEST_ETCD_PROGRAM']
  if (named !== undefined) return { version: versionOf(named) ?? 'unknown', program: named, origin: 'WORKFLOW_TEST_ETCD_PROGRAM' }
  const built = builtProgram()
  if (existsSync(built)) return { version: etcdVersion, program: built, origin: 'built from its Go module' }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'etcd')
    if (folder === '' || !existsSync(program)) continue
    const version = versionOf(program)
    if (version !== undefined) return { version, program, origin: program }
  }
  return undefined
}

function versionOf(program: string): string | undefined {
  const { stdout, status } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? /etcd Version: (\S+)/.exec(stdout)?.[1] : undefined
}

/** The program, built if need be: that takes a minute or two. Safe when two do it at once. Throws with what a person has to do. */
export async function installEtcd(): Promise<EtcdBinary> {
  const found = etcdBinary()
  if (found !== undefined) return found
  if (spawnSync('go', ['version']).status !== 0) throw new Error('install etcd, or Go 1.24 or newer, with which it can be built here')
  const cache = join(builtProgram(), '..')
  mkdirSync(join(cache, '..'), { recursive: true })
  // Beside the cache, so that moving it there is one step: another who builds at the same time sees all of it or nothing.
  const work = mkdtempSync(`${cache}-`)
  try {
    writeFileSync(join(work, 'main.go'), mainFile)
    writeFileSync(join(work, 'go.mod'), `module workflow.test/etcd\n\ngo 1.24\n\nrequire go.etcd.io/etcd/server/v3 v${etcdVersion}\n`)
    await run('go', ['mod', 'tidy'], work)
    await run('go', ['build', '-o', 'etcd', '.'], work)
    for (const file of ['main.go', 'go.mod', 'go.sum']) rmSync(join(work, file), { force: true })
    try {
      renameSync(work, cache)
    } catch (error) {
      // Somebody else was first.
      if (!existsSync(builtProgram())) throw error
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return { version: etcdVersion, program: builtProgram(), origin: 'built from its Go module' }
}

const mainFile = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`

function builtProgram(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'workflow-services', `etcd-${etcdVersion}`, 'etcd')
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = `${output}${text}`.slice(-2_000)
  })
  const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${output}`)
}
