/** Where the program of NATS is on this machine: in PATH, or built once from its Go module into a cache folder. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export interface NatsBinary {
  readonly program: string
  /** E.g. `2.15.2`. */
  readonly version: string
  /** Where it comes from, for messages. */
  readonly origin: string
}

/** The version that is built where there is none. */
export const natsVersion = '2.15.2'

const module = `github.com/nats-io/nats-server/v2@v${natsVersion}`

/** Every program that is here, the newest first. Below 2.10 only tests of the refusal have a use for it. */
export function natsBinaries(): readonly NatsBinary[] {
  const places = [
    { program: cached(), origin: 'built from source' },
    { program: 'nats-server', origin: 'PATH' },
    { program: '/usr/sbin/nats-server', origin: 'the system' },
  ]
  const seen = new Set<string>()
  return places
    .flatMap(({ program, origin }) => {
      const version = versionOf(program)
      if (version === undefined || seen.has(version)) return []
      seen.add(version)
      return [{ program, version, origin }]
    })
    .sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }))
}

/** The newest program that the adapter works with, if there is one. */
export function natsBinary(): NatsBinary | undefined {
  const [newest] = natsBinaries()
  return newest !== undefined && !isTooOld(newest) ? newest : undefined
}

/** Whether a server is older than what the adapter asks for. */
export function isTooOld({ version }: Pick<NatsBinary, 'version'>): boolean {
  return version.localeCompare('2.10', 'en', { numeric: true }) < 0
}

/** Builds the program unless there is one. Takes half a minute; two who start at once both build, and the last one's stays. */
export function installNats(): NatsBinary {
  const present = natsBinary()
  if (present !== undefined) return present
  if (spawnSync('go', ['version']).status !== 0)
    throw new Error(`put nats-server ${natsVersion} in PATH, or install Go, with which it is built: there is neither`)
  const target = cached()
  mkdirSync(dirname(target), { recursive: true })
  const draft = mkdtempSync(`${dirname(target)}.`)
  try {
    const { status, stderr } = spawnSync('go', ['install', module], {
      env: { ...process.env, GOBIN: draft, GOFLAGS: '' },
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`go install ${module} failed: ${stderr.slice(-2_000)}`)
    renameSync(join(draft, 'nats-server'), target)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  const built = natsBinary()
  if (built === undefined) throw new Error(`${target} does not say its version`)
  return built
}

function cached(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(caches, 'workflow-services', `nats-${natsVersion}`, 'nats-server')
}

function versionOf(program: string): string | undefined {
  if (program.includes('/') && !existsSync(program)) return undefined
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined
}
