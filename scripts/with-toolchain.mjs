/**
 * Runs a command of this workspace on any machine that has Node 20 or newer and npm: finds or fetches the Node and pnpm
 * that the workspace wants, installs what the lockfile says if that has not been done, then hands over.
 *
 *   node scripts/with-toolchain.mjs <command> [arguments]
 *   node scripts/with-toolchain.mjs --script <folder> <name> [arguments]    a script of that folder's package.json
 *
 * The command has our terminal, gets our signals, and gives us its exit code. Should this process be killed outright,
 * the command is told to stop, and is killed if it does not: nothing is left behind that holds a database open.
 *
 * Plain JavaScript without dependencies, because it runs before there are any.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const nodeMajorMin = 24
const pnpmVersion = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.split('@')[1]
/** What an earlier start found and installed. It lives in node_modules, so that deleting that folder starts afresh. */
const memoFile = join(root, 'node_modules', '.cache', 'with-toolchain.json')
/** How long a command may take to stop after we have been killed. */
const stopSeconds = 10

main(process.argv.slice(2))

function main(args) {
  if (args.length === 0) fail('give it a command to run, for example: node scripts/with-toolchain.mjs pnpm check')
  const memo = readMemo()
  const tools = toolsOf(memo) ?? findTools()
  const environment = { ...process.env, PATH: [...tools, join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) }
  const wanted = fingerprint()
  if (memo.installed !== wanted || !existsSync(join(root, 'node_modules', '.modules.yaml'))) install(environment)
  if (memo.installed !== wanted || memo.tools?.join() !== tools.join()) writeMemo({ tools, node: process.execPath, installed: wanted })
  run(commandOf(args, environment))
}

function fail(message) {
  process.stderr.write(`with-toolchain: ${message}\n`)
  process.exit(1)
}

/** The folders to put in front of PATH, if an earlier start on this same Node found them and they are still there. */
function toolsOf(memo) {
  if (memo.node !== process.execPath || !Array.isArray(memo.tools)) return undefined
  return memo.tools.every((folder) => existsSync(folder)) ? memo.tools : undefined
}

function findTools() {
  const nodeIsFine = Number(process.versions.node.split('.')[0]) >= nodeMajorMin
  const pnpmIsFine = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8' }).stdout?.trim() === pnpmVersion
  // The running Node goes first: a PATH may hold an older one than the one that was used to start us.
  const own = nodeIsFine ? [dirname(process.execPath)] : []
  if (nodeIsFine && pnpmIsFine) return own
  const packages = [...(nodeIsFine ? [] : [`node@${nodeMajorMin}`]), ...(pnpmIsFine ? [] : [`pnpm@${pnpmVersion}`])]
  process.stderr.write(`Fetching ${packages.join(' and ')} ...\n`)
  const bins = [...(nodeIsFine ? [] : ['node']), ...(pnpmIsFine ? [] : ['pnpm'])]
  const look = bins.map((bin) => `command -v ${bin}`).join(' && ')
  const npx = spawnSync('npx', ['-y', ...packages.flatMap((name) => ['-p', name]), '-c', look], { cwd: root, encoding: 'utf8' })
  if (npx.status !== 0) fail(`could not fetch ${packages.join(' and ')} with npx: ${npx.error?.message ?? npx.stderr}`)
  return [
    ...own,
    ...new Set(
      npx.stdout
        .trim()
        .split('\n')
        .map((file) => dirname(file)),
    ),
  ]
}

/** Changes whenever an install could have something to do. */
function fingerprint() {
  const hash = createHash('sha256')
  const folders = ['packages', 'examples'].flatMap((parent) => {
    const folder = join(root, parent)
    return existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((name) => join(folder, name))
      : []
  })
  const manifests = [root, join(root, 'benchmarks'), join(root, 'docs'), ...folders].map((folder) => join(folder, 'package.json'))
  for (const file of [join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml'), ...manifests]) {
    if (existsSync(file)) hash.update(file.slice(root.length)).update(readFileSync(file))
  }
  return hash.digest('hex')
}

function install(environment) {
  process.stderr.write('Installing dependencies ...\n')
  // CI: never ask, for example before replacing a node_modules that another tool has made.
  const pnpm = spawnSync('pnpm', ['install', '--frozen-lockfile'], { cwd: root, env: { ...environment, CI: '1' }, encoding: 'utf8' })
  if (pnpm.status === 0) return
  process.stderr.write(`${pnpm.stdout ?? ''}${pnpm.stderr ?? ''}`)
  fail(`the install failed${pnpm.error === undefined ? '' : ` (${pnpm.error.message})`}; the lines above say why`)
}

function readMemo() {
  try {
    return JSON.parse(readFileSync(memoFile, 'utf8'))
  } catch {
    return {}
  }
}

function writeMemo(memo) {
  mkdirSync(dirname(memoFile), { recursive: true })
  writeFileSync(memoFile, JSON.stringify(memo))
}

function commandOf(args, environment) {
  if (args[0] !== '--script') return { file: args[0], args: args.slice(1), cwd: process.cwd(), environment }
  const [, folder = '', name = '', ...rest] = args
  const cwd = resolve(root, folder)
  const manifest = join(cwd, 'package.json')
  const script = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).scripts?.[name] : undefined
  if (script === undefined) fail(`${folder}/package.json has no script '${name}'`)
  return {
    file: '/bin/sh',
    // exec: the command takes the shell's place, so that signals meant for it meet nobody else.
    args: ['-c', `exec ${script} "$@"`, name, ...rest],
    cwd,
    environment: {
      ...environment,
      PATH: `${join(cwd, 'node_modules', '.bin')}${delimiter}${environment.PATH}`,
      // Where the person is, as npm and pnpm tell it: relative file names among the arguments start there.
      INIT_CWD: process.env.INIT_CWD ?? process.cwd(),
    },
  }
}

function run({ file, args, cwd, environment }) {
  // Before there is a child: one that is faster than we are may be the reason for a signal, or for our end.
  const guard = startGuard()
  // From a terminal the child gets Ctrl-C by itself; a second one would be taken for impatience.
  const terminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  const forward = (signal) => {
    if (!(signal === 'SIGINT' && terminal)) child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, forward)
  const child = spawn(file, args, { cwd, env: environment, stdio: 'inherit' })
  guard.stdin.write(`${child.pid ?? 'none'}\n`)
  child.on('error', (error) => fail(`could not run ${file}: ${error.message}`))
  const orphaned = setInterval(
    watchOf(() => child.kill('SIGTERM')),
    500,
  )
  child.on('exit', (code, signal) => {
    clearInterval(orphaned)
    guard.stdin.end('done\n')
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

/** npm may be killed without a word to us: then our parent changes, or the parent of the shell that npm put between. */
function watchOf(stop) {
  const parent = process.ppid
  const starter = process.env.npm_lifecycle_event === undefined ? undefined : parentOf(parent)
  return () => {
    if (process.ppid !== parent || (starter !== undefined && parentOf(parent) !== starter)) stop()
  }
}

/** Undefined where there is no /proc: then only our own parent can be watched. */
function parentOf(pid) {
  try {
    return /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/**
 * A shell that waits for our end of a pipe. It reads whom to guard, then a word when all is well and nothing when we have been
 * killed. It has a process group of its own, so that a Ctrl-C in the terminal leaves it alone.
 */
function startGuard() {
  const script = `read pid && [ "$pid" != none ] || exit 0
read word; [ "$word" = done ] && exit 0
kill -TERM "$pid" 2>/dev/null || exit 0
for i in $(seq ${stopSeconds}); do sleep 1; kill -0 "$pid" 2>/dev/null || exit 0; done
kill -KILL "$pid"`
  const guard = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guard.on('error', () => {})
  guard.stdin.on('error', () => {})
  guard.unref()
  guard.stdin.unref?.()
  return guard
}
