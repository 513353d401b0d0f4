/**
 * Looks at every published package as its users get it: packed, linted by publint and attw, and core's size and what
 * importing it takes within its budget. Wants the packages built. With folder names as arguments it checks only these.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publishedPackages, root, type WorkspacePackage } from './workspace-packages.ts'

const coreBytesMax = 30_000
const coreImportMsMax = 50
/** The fastest of several starts, by its processor time: what others do on the machine adds to that only a little. */
const importRuns = 8
const faults: string[] = []

const asked = process.argv.slice(2)
const packages = publishedPackages().filter(({ folder }) => asked.length === 0 || asked.includes(folder))
const tarballs = mkdtempSync(join(tmpdir(), 'workflow-pack-'))
try {
  for (const pack of packages) await lint(pack)
  if (packages.some(({ folder }) => folder === 'packages/core')) await weighCore()
} finally {
  rmSync(tarballs, { recursive: true })
}
for (const fault of faults) console.error(fault)
console.log(`${packages.length} packages, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

async function lint({ folder }: WorkspacePackage): Promise<void> {
  const cwd = join(root, folder)
  if (!existsSync(join(cwd, 'dist'))) {
    faults.push(`${folder} is not built: run pnpm build`)
    return
  }
  const before = new Set(readdirSync(tarballs))
  if (!(await succeeds(folder, cwd, 'pnpm', ['pack', '--pack-destination', tarballs]))) return
  const tarball = join(tarballs, readdirSync(tarballs).find((name) => !before.has(name)) ?? '')
  await succeeds(folder, root, 'publint', ['run', tarball, '--strict'])
  await succeeds(folder, root, 'attw', [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color'])
}

async function weighCore(): Promise<void> {
  const entry = join(root, 'packages/core/dist/index.js')
  if (!existsSync(entry)) return
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    splitting: true,
    outdir: root,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  // What importing it loads, and what it may load later: the worker when it runs, the calendar when there is a schedule.
  const sizes = new Map(outputFiles.map((file) => [relative(root, file.path), gzipSync(file.contents, { level: 9 }).byteLength]))
  const atOnce = new Set(['index.js'])
  for (const path of atOnce) {
    for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && sizes.has(imported)) atOnce.add(imported)
  }
  const sum = (paths: Iterable<string>): number => [...paths].reduce((bytes, path) => bytes + (sizes.get(path) ?? 0), 0)
  const bytes = sum(atOnce)
  const url = pathToFileURL(entry).href
  const program = `const before = process.cpuUsage(); await import(${JSON.stringify(url)}); const { user, system } = process.cpuUsage(before); process.stdout.write(String((user + system) / 1_000))`
  let ms = Number.POSITIVE_INFINITY
  for (let i = 0; i < importRuns; i++) {
    const { output } = await outcome(process.execPath, ['--input-type=module', '-e', program], root)
    ms = Math.min(ms, Number(output))
  }
  console.log(
    `@workflow/core: ${bytes} bytes minified and gzipped (at most ${coreBytesMax}; ${sum(sizes.keys())} with what it loads later), imported in ${ms.toFixed(1)} ms of processor time (at most ${coreImportMsMax})`,
  )
  if (bytes > coreBytesMax) faults.push(`@workflow/core is ${bytes} bytes minified and gzipped, and ${coreBytesMax} is the most`)
  if (!(ms <= coreImportMsMax))
    faults.push(`@workflow/core takes ${ms.toFixed(1)} ms of processor time to import, and ${coreImportMsMax} is the most`)
}

async function succeeds(folder: string, cwd: string, file: string, args: readonly string[]): Promise<boolean> {
  const { code, output } = await outcome(file, args, cwd)
  if (code !== 0) faults.push(`${folder}: ${file} ended with code ${code}\n${output}`)
  return code === 0
}

async function outcome(
  file: string,
  args: readonly string[],
  cwd: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((done, fail) => child.on('close', done).on('error', fail))
  return { code, output }
}
