/** What importing `@workflow/core` costs: bytes for those who bundle, milliseconds for everybody. */
import { spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { bench } from './harness/bench.ts'

const entry = import.meta.resolve('@workflow/core')
const importsPerRepeat = 5

await bench('core', [
  {
    name: 'size',
    runs: 1,
    measure: async () => {
      const { atOnce, later } = await sizes()
      return [
        { metric: 'loaded at once, minified and gzipped', unit: 'bytes', values: [atOnce] },
        { metric: 'with what it loads later', unit: 'bytes', values: [atOnce + later] },
      ]
    },
  },
  {
    name: 'import',
    runs: importsPerRepeat,
    measure: async ({ runs, repeats }) => [{ metric: 'time', unit: 'ms', values: Array.from({ length: runs * repeats }, importMs) }],
  },
])

/** The chunks of one entry: those that it imports statically, and those that it loads when they are needed. */
async function sizes(): Promise<{ atOnce: number; later: number }> {
  const outdir = fileURLToPath(new URL('.', import.meta.url))
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    splitting: true,
    outdir,
    minify: true,
    format: 'esm',
    platform: 'node',
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const bytes = new Map(outputFiles.map(({ path, contents }) => [basename(path), gzipSync(contents, { level: 9 }).byteLength]))
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, { imports: all }]) => [
      basename(path),
      all.filter(({ kind }) => kind === 'import-statement').map(({ path: imported }) => basename(imported)),
    ]),
  )
  const atOnce = new Set([basename(fileURLToPath(entry))])
  for (const file of atOnce) for (const imported of imports.get(file) ?? []) if (bytes.has(imported)) atOnce.add(imported)
  const sum = (files: Iterable<string>): number => [...files].reduce((total, file) => total + (bytes.get(file) ?? 0), 0)
  return { atOnce: sum(atOnce), later: sum(bytes.keys()) - sum(atOnce) }
}

/** In a process of its own, which has loaded nothing else. */
function importMs(): number {
  const program = `const start = performance.now(); await import(${JSON.stringify(entry)}); process.stdout.write(String(performance.now() - start))`
  return Number(spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).stdout)
}
