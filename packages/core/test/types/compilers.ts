/** The compilers that users may have, run as they run them: a process, a tsconfig, text. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const packageFolder = join(here, '../..')
const rootFolder = join(packageFolder, '../..')

/** A compiler by its version, and where it is. */
export interface Compiler {
  readonly version: string
  readonly script: string
}

/** The newest first: messages are compared with those of the first. */
export const compilers: readonly [Compiler, ...Compiler[]] = [
  { version: '7.0.2', script: join(packageFolder, 'node_modules/typescript/bin/tsc') },
  { version: '6.0.3', script: join(packageFolder, 'node_modules/typescript-6/bin/tsc') },
  { version: '5.9.3', script: join(packageFolder, 'node_modules/typescript-5/bin/tsc') },
]

/** One reported error. `text` holds the further lines of the message, too, without paths. */
export interface Diagnostic {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly text: string
}

/** What a compiler said of some files. */
export interface Compilation {
  readonly diagnostics: readonly Diagnostic[]
  /** By the name that `--extendedDiagnostics` gives to it; times in seconds. */
  readonly figures: ReadonlyMap<string, number>
}

/** The path of a file of the type tests. */
export function typeTestFile(name: string): string {
  return join(here, name)
}

/**
 * Compiles files under the strictest settings, declarations of libraries included. Throws if the compiler did not get as
 * far as checking.
 */
export function compile({ script, version }: Compiler, files: readonly string[]): Compilation {
  return inTemporaryFolder((folder) => {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify(strictestConfig(files)))
    const args = [script, '-p', config, '--pretty', 'false', '--extendedDiagnostics']
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: packageFolder, encoding: 'utf8', maxBuffer: 2 ** 26 })
    const figures = figuresOf(stdout)
    if (!figures.has('Instantiations')) throw new Error(`TypeScript ${version} checked nothing\n${stdout}${stderr}`)
    return { diagnostics: diagnosticsOf(stdout), figures }
  })
}

/** Gives `work` a folder that is gone afterwards. */
export function inTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-types-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function strictestConfig(files: readonly string[]): object {
  const source = (entry: string): readonly string[] => [join(packageFolder, 'src', entry)]
  return {
    extends: join(rootFolder, 'tsconfig.base.json'),
    compilerOptions: {
      noEmit: true,
      skipLibCheck: false,
      typeRoots: [join(rootFolder, 'node_modules/@types')],
      // For files outside of the package.
      paths: { '@workflow/core': source('index.ts'), '@workflow/core/memory': source('memory/index.ts') },
    },
    files,
  }
}

function figuresOf(output: string): ReadonlyMap<string, number> {
  const lines = output.matchAll(/^([A-Z][\w/ ]+?): +([\d.]+)[sK]?$/gm)
  return new Map(Array.from(lines, ([, name = '', value]) => [name, Number(value)]))
}

function diagnosticsOf(output: string): readonly Diagnostic[] {
  const found: Diagnostic[] = []
  for (const line of output.split('\n')) {
    const [, file, row, column, text] = /^(.+?)\((\d+),(\d+)\): error (TS\d+: .*)$/.exec(line) ?? []
    const last = found.at(-1)
    if (file !== undefined && text !== undefined)
      found.push({
        file: relative(packageFolder, join(packageFolder, file)),
        line: Number(row),
        column: Number(column),
        text: withoutPaths(text),
      })
    else if (/^error TS\d+: /.test(line)) found.push({ file: 'tsconfig.json', line: 0, column: 0, text: withoutPaths(line.slice(6)) })
    else if (line.startsWith('  ') && last !== undefined) found[found.length - 1] = { ...last, text: `${last.text}\n${withoutPaths(line)}` }
  }
  return found
}

function withoutPaths(text: string): string {
  return text.replaceAll(/import\("[^"]*\/([^"/]+)"\)\./g, '').replaceAll(rootFolder, '')
}
