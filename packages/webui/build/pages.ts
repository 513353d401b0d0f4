/**
 * Builds the pages of the web UI: one script, one style sheet, one document, one icon. As a program it writes them as one module of
 * strings, which the package's own build takes in, so that no file has to be found at run time, wherever a bundler puts the code.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { PageFiles } from '../src/server/page-files.ts'

const app = join(import.meta.dirname, '../app')

/** More than this, gzipped, is too much for the script. */
export const scriptBytesMax = 90_000

export async function buildPages(): Promise<PageFiles> {
  const common = { bundle: true, minify: true, write: false, charset: 'utf8', legalComments: 'none', logLevel: 'warning' } as const
  const script = await build({
    ...common,
    entryPoints: [join(app, 'main.tsx')],
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
  })
  const style = await build({ ...common, entryPoints: [join(app, 'styles/app.css')] })
  return {
    'index.html': readFileSync(join(app, 'index.html'), 'utf8'),
    'app.js': onlyText(script.outputFiles),
    'app.css': onlyText(style.outputFiles),
    'icon.svg': readFileSync(join(app, 'icon.svg'), 'utf8'),
  }
}

function onlyText(files: readonly { readonly text: string }[]): string {
  const [file, more] = files
  if (file === undefined || more !== undefined) throw new Error(`one file should come of it, not ${files.length}`)
  return file.text
}

/** Writes `file`: whole or not at all, since another build may read it. */
export function writePages(pages: PageFiles, file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, `export const pages = ${JSON.stringify(pages)}\n`)
  renameSync(partial, file)
}

if (import.meta.main) {
  const pages = await buildPages()
  writePages(pages, join(app, 'dist/pages.js'))
  const bytes = gzipSync(pages['app.js']).length
  process.stdout.write(`The script of the pages is ${bytes} bytes gzipped; ${scriptBytesMax} are allowed\n`)
  if (bytes > scriptBytesMax) process.exitCode = 1
}
