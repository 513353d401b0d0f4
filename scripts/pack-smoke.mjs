/**
 * `pnpm smoke`: packs every public package, installs the tarballs into an empty project outside of the workspace, as a
 * user's `npm install` would, imports every entry point, compiles and runs the code of docs/getting-started.md there, and
 * tests a workflow with the test kit, under the command that reports its coverage, has the command line check a graph, and
 * looks at the pages of the web UI. What is missing from a tarball, undeclared, or resolved only inside the workspace shows here.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fencesOf } from './docs/fence.ts'
import { outputDifference, snippetsOf } from './docs/snippet.ts'
import { publishedPackages, root, workspacePackages } from './workspace-packages.ts'

const page = 'docs/getting-started.md'
const project = mkdtempSync(join(tmpdir(), 'workflow-smoke-'))
const packages = publishedPackages()

try {
  run('turbo', ['run', 'build', '--output-logs=errors-only', '--filter=./packages/*'], root)
  for (const { folder } of packages) run('pnpm', ['pack', '--pack-destination', project], join(root, folder))
  const tarballs = readdirSync(project).filter((name) => name.endsWith('.tgz'))
  write('package.json', JSON.stringify({ name: 'smoke', private: true, type: 'module' }))
  const install = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  run('npm', [...install, ...tarballs.map((name) => `./${name}`), ...drivers()], project)
  importEverything()
  runPage()
  runKit()
  runCommandLine()
  lookAtPages()
  console.log(
    `${packages.length} packages installed outside of the workspace; ${page} compiled and ran there, and so did a test with the kit and the command line; the web UI has its pages`,
  )
} finally {
  rmSync(project, { recursive: true })
}

/** What the pages use besides our packages, at the versions that the docs package pins, and a compiler. */
function drivers() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))
  const { typescript, '@types/node': nodeTypes } = read('package.json').devDependencies
  const docs = workspacePackages().find(({ folder }) => folder === 'docs')?.manifest.dependencies ?? {}
  const others = Object.entries({ ...docs, typescript, '@types/node': nodeTypes })
  return others.filter(([name]) => !name.startsWith('@workflow/')).map(([name, version]) => `${name}@${version}`)
}

function importEverything() {
  const entries = packages.flatMap(({ manifest }) => Object.keys(manifest.exports).map((way) => manifest.name + way.slice(1)))
  const modules = entries.filter((name) => !name.endsWith('.json'))
  write(
    'imports.mjs',
    modules.map((name) => `console.log(${JSON.stringify(name)}, Object.keys(await import(${JSON.stringify(name)})).length)`).join('\n'),
  )
  run(process.execPath, ['imports.mjs'], project)
}

function runPage() {
  if (!existsSync(join(root, page))) throw new Error(`${page} does not exist: it is the program that this check runs`)
  const { snippets } = snippetsOf(fencesOf(readFileSync(join(root, page), 'utf8')))
  const running = snippets.filter((snippet) => snippet.run)
  if (running.length === 0) throw new Error(`${page} has no fence marked \`\`\`ts run`)
  for (const { file, source } of snippets) write(join('src', file), source)
  // What a careful user has; checks our declarations too. Compiled, because Node runs no TypeScript before 22.18.
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    moduleDetection: 'force',
    rewriteRelativeImportExtensions: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'out',
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }))
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], project)
  for (const { file, output, line } of running) {
    const printed = run(process.execPath, [join('out', file.replace(/\.ts$/, '.js'))], project)
    const difference = output === undefined ? undefined : outputDifference(output, printed)
    if (difference !== undefined) throw new Error(`${page}: line ${line}: ${difference}`)
  }
}

/** As a user has it: TypeScript that is compiled against our declarations, Node's runner, our command around it. */
function runKit() {
  write('src/trial.test.ts', readFileSync(join(root, 'packages/testing/test/kit/packed/trial.ts'), 'utf8'))
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], project)
  const command = ['node_modules/@workflow/testing/bin/workflow-coverage.mjs', '--min-transitions', '100', '--min-timeouts', '100']
  const report = join(project, 'coverage.txt')
  run(process.execPath, [...command, '--out', report, '--', process.execPath, '--test', 'out/trial.test.js'], project)
  const [first] = readFileSync(report, 'utf8').split('\n')
  const expected = 'trial: 2 of 2 transitions (100 %), 1 of 1 timeouts (100 %), 0 of 2 error paths (0 %), by 2 runs in 2 kits'
  if (first !== expected) throw new Error(`the coverage of the smoke test is '${first}'; it should be '${expected}'`)
}

/** The program as npm has linked it, which is to find a run that the config strands. */
function runCommandLine() {
  write('src/workflow.config.ts', readFileSync(join(root, 'packages/cli/test/packed/workflow.config.ts'), 'utf8'))
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], project)
  const printed = run('npx', ['--no', 'workflow', 'graph', 'check', '--json', '--config', 'out/workflow.config.js'], project, 1)
  const found = JSON.parse(printed).workflows.map(({ workflowName, stranded }) => [workflowName, ...stranded.map(({ reason }) => reason)])
  const expected = '[["letters"],["bills","status-gone"]]'
  if (JSON.stringify(found) !== expected)
    throw new Error(`workflow graph check has found ${JSON.stringify(found)}; it should be ${expected}`)
}

/** The pages are no module that somebody imports: whether they have come along shows when they are asked for. */
function lookAtPages() {
  const program = `
    import { unchecked, workflow } from '@workflow/core'
    import { memory } from '@workflow/core/memory'
    import { serveWebUi } from '@workflow/webui'
    const letters = workflow('letters', { object: unchecked(), graph: { written: { callback: ['sent'] }, sent: {} } })
    const client = letters.client(memory())
    await using served = await serveWebUi({ workflows: [client], print: false })
    const page = await (await fetch(served.url)).text()
    const files = [...page.matchAll(/(?:src|href)="(assets[^"]+)"/g)].map(([, file]) => file)
    for (const file of files) console.log(file, (await fetch(served.url + '/' + file)).status)
    await client.close()`
  write('pages.mjs', program)
  const printed = run(process.execPath, ['pages.mjs'], project)
  const expected = ['icon.svg', 'app.css', 'app.js'].map((file) => `assets/${file} 200\n`).join('')
  if (printed !== expected) throw new Error(`the pages of the web UI are not as they should be:\n${printed}`)
}

function write(path, text) {
  mkdirSync(dirname(join(project, path)), { recursive: true })
  writeFileSync(join(project, path), text)
}

function run(file, args, cwd, expected = 0) {
  console.log(`$ ${file} ${args.join(' ')}`)
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8', env: { ...process.env, CI: '1' } })
  if (status === expected) return stdout
  throw new Error(`${file} ended with code ${status}${error === undefined ? '' : ` (${error.message})`}\n${stdout ?? ''}${stderr ?? ''}`)
}
