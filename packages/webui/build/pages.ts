/** Builds the pages of the web UI into dist/pages: one script, one style sheet, one document. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** More than this, gzipped, is too much for the script. */
export const scriptBytesMax = 90_000

/** Gives the size of the script as it is sent, gzipped, in bytes. */
export async function buildPages(outdir: string): Promise<number> {
  const app = join(import.meta.dirname, '../app')
  await build({
    entryPoints: { app: join(app, 'main.tsx') },
    outdir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  })
  await build({ entryPoints: { app: join(app, 'styles/app.css') }, outdir, bundle: true, minify: true, logLevel: 'warning' })
  for (const file of ['index.html', 'icon.svg']) cpSync(join(app, file), join(outdir, file))
  return gzipSync(readFileSync(join(outdir, 'app.js'))).length
}

if (import.meta.main) {
  const bytes = await buildPages(join(import.meta.dirname, '../dist/pages'))
  process.stdout.write(`The script of the pages is ${bytes} bytes gzipped; ${scriptBytesMax} are allowed\n`)
  if (bytes > scriptBytesMax) process.exitCode = 1
}
