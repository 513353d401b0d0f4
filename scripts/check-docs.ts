/**
 * Holds the pages to what they say: every TypeScript fence compiles against the workspace, those marked `run` print what
 * the page shows, and links lead somewhere. See docs/snippet.ts for the marks. With file names as arguments it checks
 * only these pages.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fencesOf } from './docs/fence.ts'
import { deadLinks } from './docs/link.ts'
import { outputDifference, type Snippet, snippetsOf } from './docs/snippet.ts'
import { root } from './workspace-packages.ts'

interface PageSnippet extends Snippet {
  readonly page: string
  readonly path: string
}

/** Inside the docs package, so that imports resolve to what that package depends on. */
const folder = join(root, 'docs', '.snippets')
const runMsMax = 60_000
const faults: string[] = []

const pages = pagesToCheck()
rmSync(folder, { recursive: true, force: true })
const snippets = pages.flatMap(extract)
for (const page of pages) for (const why of deadLinks(join(root, page), root)) faults.push(`${page}: ${why}`)
compile()
const running = snippets.filter((snippet) => snippet.run)
for (const snippet of running) if (!faults.some((fault) => fault.startsWith(`${snippet.page}:`))) await execute(snippet)
for (const fault of faults) console.error(fault)
console.log(`${pages.length} pages, ${snippets.length} snippets compiled, ${running.length} run, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

function pagesToCheck(): readonly string[] {
  const asked = process.argv.slice(2).map((file) => relative(root, resolve(file)))
  if (asked.length > 0) return asked
  const patterns = ['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md', 'benchmarks/*.md']
  return globSync(patterns, {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|\.snippets|dist)$/.test(path) || path.endsWith('CHANGELOG.md'),
  }).sort()
}

function extract(page: string): readonly PageSnippet[] {
  const found = snippetsOf(fencesOf(readFileSync(join(root, page), 'utf8')))
  for (const mistake of found.mistakes) faults.push(`${page}: ${mistake}`)
  const own = join(folder, page.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase())
  return found.snippets.map((snippet) => {
    const path = join(own, snippet.file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, snippet.source)
    return { ...snippet, page, path }
  })
}

function compile(): void {
  if (snippets.length === 0) return
  const config = {
    extends: '../../tsconfig.base.json',
    compilerOptions: {
      // Declarations of other people's packages are checked where those packages are used.
      skipLibCheck: true,
      noEmit: true,
      moduleDetection: 'force',
      // A reader's project is less strict than ours, and a snippet may declare what it does not use.
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
    },
    files: snippets.map(({ path }) => path),
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
  if (tsc.status === 0) return
  for (const line of tsc.stdout.split('\n').filter((text) => text !== '')) {
    const at = /^(\S+?\.ts)\((\d+),(\d+)\): (.*)$/.exec(line)
    const snippet = at === null ? undefined : snippets.find(({ path }) => path === resolve(folder, at[1] ?? ''))
    faults.push(snippet === undefined ? line : `${snippet.page}: line ${at?.[2]}: ${at?.[4]}`)
  }
  if (tsc.error !== undefined) faults.push(`could not run tsc: ${tsc.error.message}`)
}

/** A folder of its own for each run: what a snippet writes, it writes there. */
async function execute(snippet: PageSnippet): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'workflow-docs-'))
  const args = ['--conditions=@workflow/source', '--disable-warning=ExperimentalWarning', snippet.path]
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: runMsMax, killSignal: 'SIGKILL' })
  let printed = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  const code = await new Promise<number | null>((done) => child.on('close', done))
  if (existsSync(cwd)) rmSync(cwd, { recursive: true })
  const where = `${snippet.page}: line ${snippet.line}`
  if (code !== 0) {
    const end = code === null ? `was stopped after ${runMsMax / 1000} s` : `ended with code ${code}`
    faults.push(`${where}: the snippet ${end}\n${printed}${complaints}`)
    return
  }
  const difference = snippet.output === undefined ? undefined : outputDifference(snippet.output, printed)
  if (difference !== undefined) faults.push(`${where}: ${difference}`)
}
