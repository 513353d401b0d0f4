/**
 * Builds the pages of the web UI into app/dist: one script, one style sheet, one document. Each file is there whole or not at
 * all, so that whoever reads them meanwhile (a test beside a build) sees nothing half written.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const app = join(import.meta.dirname, '../app')
/** Where the server finds them. */
const outdir = join(app, 'dist')

/** More than this, gzipped, is too much for the script. */
export const scriptBytesMax = 90_000

/** Gives the size of the script as it is sent, gzipped, in bytes. */
export async function buildPages(): Promise<number> {
  const common = { bundle: true, minify: true, write: false, outdir, charset: 'utf8', legalComments: 'none', logLevel: 'warning' } as const
  const script = await build({
    ...common,
    entryPoints: { app: join(app, 'main.tsx') },
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
  })
  const style = await build({ ...common, entryPoints: { app: join(app, 'styles/app.css') } })
  mkdirSync(outdir, { recursive: true })
  for (const { path, contents } of [...script.outputFiles, ...style.outputFiles]) put(basename(path), contents)
  for (const file of ['index.html', 'icon.svg']) put(file, readFileSync(join(app, file)))
  return gzipSync(readFileSync(join(outdir, 'app.js'))).length
}

function put(file: string, contents: Uint8Array): void {
  const partial = join(outdir, `.${file}.${process.pid}`)
  writeFileSync(partial, contents)
  renameSync(partial, join(outdir, file))
}

if (import.meta.main) {
  const bytes = await buildPages()
  process.stdout.write(`The script of the pages is ${bytes} bytes gzipped; ${scriptBytesMax} are allowed\n`)
  if (bytes > scriptBytesMax) process.exitCode = 1
}
