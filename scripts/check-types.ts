/** Type-checks every package, its tests included, against the sources of the others. Two compilers at a time. */
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { root, workspacePackages } from './workspace-packages.ts'

const atOnceMax = 2
const folders = workspacePackages().map(({ folder }) => folder)
// Pages run in a browser: they are a project of their own, in which nothing of Node exists.
const pages = folders.map((folder) => join(folder, 'app')).filter((folder) => existsSync(join(root, folder, 'tsconfig.json')))
const projects = [...[...folders, 'scripts'].filter(hasTypeScript), ...pages]
const waiting = [...projects]
let failed = 0

await Promise.all(Array.from({ length: atOnceMax }, work))
console.log(`${projects.length} projects, ${failed} with errors`)
process.exitCode = failed === 0 ? 0 : 1

async function work(): Promise<void> {
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    const tsc = spawn('tsc', ['-p', folder, '--noEmit', '--pretty', 'false'], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    const code = await new Promise<number | null>((done, fail) => tsc.on('close', done).on('error', fail))
    if (code !== 0) failed++
  }
}

function hasTypeScript(folder: string): boolean {
  const cwd = join(root, folder)
  return existsSync(join(cwd, 'tsconfig.json')) && globSync('{*,{src,test}/**/*}.ts', { cwd }).length > 0
}
