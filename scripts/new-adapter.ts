/** `pnpm new:adapter <name>` lays out packages/<name> with a conformance test that fails until the adapter is written. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { adapterFiles, adapterNameFault } from './scaffold/adapter-files.ts'
import { root } from './workspace-packages.ts'

const [name = ''] = process.argv.slice(2)
const fault = name === '' ? 'say which: pnpm new:adapter <name>' : adapterNameFault(name)
const taken = existsSync(join(root, 'packages', name))
if (fault !== undefined || taken) {
  console.error(fault ?? `packages/${name} exists already`)
  process.exitCode = 1
} else {
  for (const [path, text] of adapterFiles(name)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(path)
  }
  spawnSync('biome', ['format', '--write', `packages/${name}`], { cwd: root, stdio: 'ignore' })
  const { status } = spawnSync('pnpm', ['install'], { cwd: root, stdio: 'inherit' })
  console.log(`\nNow write packages/${name}/src, port by port, until this passes:\n  pnpm unit --project ${name}`)
  process.exitCode = status ?? 1
}
