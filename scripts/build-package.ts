/**
 * Builds the package in the current folder: declarations by the compiler, which also checks it against the built
 * packages that it depends on; JavaScript as one file per entry point and what they share. Loading a hundred small
 * modules takes three times as long as loading these.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundledPackages, type Manifest, root } from './workspace-packages.ts'

// Written by ourselves, and checked by check-architecture.ts.
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
// What others may import, and what only the package's own program does.
const ways = ['exports', 'imports'].flatMap((field) =>
  Object.values((manifest[field] ?? {}) as Readonly<Record<string, string | Readonly<Record<string, string>>>>),
)
// An import of something made elsewhere becomes part of the module that imports it.
const entryPoints = ways.flatMap((way) =>
  typeof way !== 'string' && way['default']?.startsWith('./dist/') === true ? [way['@workflow/source'] ?? ''] : [],
)

// What an earlier build left may have no source any more.
rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--pretty', 'false'], { stdio: 'inherit' })
if (status === 0) {
  await build({
    entryPoints,
    outdir: 'dist',
    outbase: 'src',
    bundle: true,
    splitting: true,
    chunkNames: 'shared/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node22.14',
    packages: 'external',
    // What is never published is part of those who use it.
    alias: Object.fromEntries(bundledPackages().map(({ folder, manifest: { name } }) => [name, join(root, folder, 'src/index.ts')])),
    charset: 'utf8',
    sourcemap: true,
    // The sources themselves are in the package.
    sourcesContent: false,
    logLevel: 'warning',
  })
} else {
  process.exitCode = 1
}
