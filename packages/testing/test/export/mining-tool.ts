/**
 * pm4py, a tool of process mining in Python, in an environment of its own in the user's cache, made once. It is asked as a
 * program of its own and is no part of ours.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '2.7.23.11'
const program = fileURLToPath(new URL('read_logs.py', import.meta.url))
const installMsMax = 10 * 60_000

/** An event as it was found: activity, status, time in ms since 1970, resource, version, and some of its texts. */
export type FoundEvent = readonly [string, string, number, string, number, { readonly [name: string]: string }]

export interface FoundGraph {
  readonly pairs: readonly (readonly [string, string, number])[]
  readonly starts: { readonly [activity: string]: number }
  readonly ends: { readonly [activity: string]: number }
}

export interface FoundLog {
  readonly cases: { readonly [caseId: string]: readonly FoundEvent[] }
  /** By what ran, and by the status that it led to. */
  readonly graphs: { readonly 'concept:name': FoundGraph; readonly to: FoundGraph }
}

/** The same log, as text in both formats. */
export interface LogTexts {
  readonly csv: string
  readonly xes: string
}

export interface MiningTool {
  readonly version: string
  /** What the tool finds in each log. */
  readonly read: (logs: readonly LogTexts[]) => readonly { readonly csv: FoundLog; readonly xes: FoundLog }[]
}

/** The tool, installed if need be; else why it cannot be had on this machine. */
export function miningTool(): MiningTool | string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'workflow-services', `pm4py-${version}`)
  const python = join(folder, 'bin', 'python')
  if (!existsSync(python)) {
    const fault = install(folder)
    if (fault !== undefined) return fault
  }
  return { version, read: (logs) => read(python, logs) }
}

/** Beside its place, and then moved there, so that half an installation is none. */
function install(folder: string): string | undefined {
  if (spawnSync('python3', ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 9))']).status !== 0)
    return 'there is no Python 3.9 or newer with venv'
  mkdirSync(join(folder, '..'), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    for (const [file, ...args] of [
      ['python3', '-m', 'venv', '--copies', work],
      [join(work, 'bin', 'python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `pm4py==${version}`],
    ] as const) {
      const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout: installMsMax })
      if (status !== 0) return `${file} ${args.join(' ')} failed: ${(error?.message ?? stderr).trim().slice(-300)}`
    }
    renameSync(work, folder)
    return undefined
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function read(python: string, logs: readonly LogTexts[]): ReturnType<MiningTool['read']> {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-logs-'))
  try {
    const paths = logs.map((log, i) => {
      const path = { csv: join(folder, `${i}.csv`), xes: join(folder, `${i}.xes`) }
      writeFileSync(path.csv, log.csv)
      writeFileSync(path.xes, log.xes)
      return path
    })
    const [asked, answered] = [join(folder, 'asked.json'), join(folder, 'answered.json')]
    writeFileSync(asked, JSON.stringify(paths))
    const { status, stderr, error } = spawnSync(python, [program, asked, answered], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONUTF8: '1' },
    })
    if (status !== 0) throw new Error(`pm4py has failed: ${error?.message ?? stderr.slice(-2_000)}`)
    // Written by our own program.
    return (JSON.parse(readFileSync(answered, 'utf8')) as { readonly logs: ReturnType<MiningTool['read']> }).logs
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
