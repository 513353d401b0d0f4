/**
 * `pnpm bench <name> [arguments]` builds the packages and runs benchmarks/<name>.ts on what was built: what users run,
 * not the sources. `pnpm bench` alone lists the names. See benchmarks/README.md.
 */
import { spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from './workspace-packages.ts'

const [name = '', ...args] = process.argv.slice(2)
const folder = join(root, 'benchmarks')
const names = globSync('*.ts', { cwd: folder }).map((file) => basename(file, '.ts'))
if (!names.includes(name)) {
  console.error(
    `${name === '' ? 'Say which benchmark' : `There is no benchmark '${name}'`}: ${names.sort().join(', ') || 'there is none yet'}`,
  )
  process.exitCode = 1
} else if (built()) {
  const child = spawn(process.execPath, ['--expose-gc', join(folder, `${name}.ts`), ...args], { cwd: folder, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

/** Standard output belongs to the benchmark: with --json, others read it. */
function built(): boolean {
  const turbo = spawnSync('turbo', ['run', 'build', '--output-logs=errors-only', '--filter=./packages/*'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (turbo.status === 0) return true
  console.error(`${turbo.stdout}${turbo.stderr}\nThe build failed: nothing was measured.`)
  process.exitCode = 1
  return false
}
