/**
 * `pnpm fresh-clone`: what a newcomer meets. Clones what is committed into a temporary folder, with an environment that
 * has only the Node that npm came with: no pnpm, and no newer Node in front of it. Then `npm start` and `npm test`, or
 * the npm scripts that are named. `--node <folder>` says where such a Node is; else the PATH is searched from its end.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const { values, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: 'string' } } })
const scripts = positionals.length > 0 ? positionals : ['start', 'test']
const folder = mkdtempSync(join(tmpdir(), 'workflow-clone-'))

try {
  const environment = bareEnvironment()
  run('git', ['clone', '--quiet', root, 'clone'], folder, environment)
  const clone = join(folder, 'clone')
  console.log(`Node ${spawnSync('node', ['--version'], { env: environment, encoding: 'utf8' }).stdout.trim()}, no pnpm`)
  for (const script of scripts) {
    const startedMs = performance.now()
    run('npm', ['run', script], clone, environment)
    console.log(`npm run ${script}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** A PATH of the system's own folders, and one that holds node, npm and npx and nothing else. */
function bareEnvironment() {
  const from = values.node ?? oldNode()
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const name of ['node', 'npm', 'npx']) symlinkSync(join(from, name), join(bin, name))
  const own = ['HOME', 'USER', 'LANG', 'TERM', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']
  const kept = Object.entries(process.env).filter(([name]) => own.includes(name.toUpperCase()) || name.startsWith('npm_config_'))
  return { ...Object.fromEntries(kept), PATH: [bin, ...toolFolders()].join(delimiter) }
}

/** The last folder of the PATH that has both node and npm: what the system brought, behind what was put in front. */
function oldNode() {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((path) => ['node', 'npm', 'npx'].every((name) => existsSync(join(path, name))))
  const last = folders.at(-1)
  if (last === undefined) throw new Error('no folder of the PATH has node, npm and npx: give one with --node')
  return last
}

/** Where git and a shell are, without whatever else is on the PATH; pnpm must not be there. */
function toolFolders() {
  const folders = ['/usr/bin', '/bin'].filter((path) => existsSync(path))
  const pnpm = folders.find((path) => existsSync(join(path, 'pnpm')))
  if (pnpm !== undefined) throw new Error(`${pnpm} has pnpm: this machine cannot show what happens without it`)
  return folders
}

function run(file, args, cwd, env) {
  const { status, error } = spawnSync(file, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with code ${status}${error === undefined ? '' : ` (${error.message})`}`)
}
