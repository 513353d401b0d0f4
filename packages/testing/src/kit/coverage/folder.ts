/** Coverage on its way from the processes of a test runner to the one that reports it: a folder with a file of each. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Coverage, mergeCoverage } from './coverage.ts'

const prefix = 'workflow-coverage-'

interface Written {
  readonly file: string
  coverage: Coverage
  /** Of kits that have not been stopped. */
  readonly begun: Set<Coverage>
}

/** Per folder, what this module has written so far. A test runner may load it once per test file: each has a file of its own. */
const written = new Map<string, Written>()

/** Adds coverage to this process's file in a folder, which is made if it is not there. */
export function writeCoverage(folder: string, coverage: Coverage): void {
  const all = fileIn(folder)
  all.coverage = mergeCoverage([all.coverage, coverage])
  write(folder, all)
}

/** Says that there will be more: if it never comes, because the kit is not stopped or its process dies, what was begun tells. */
export function beginCoverage(folder: string, begun: Coverage): (coverage: Coverage) => void {
  const all = fileIn(folder)
  all.begun.add(begun)
  write(folder, all)
  return (coverage) => {
    all.begun.delete(begun)
    writeCoverage(folder, coverage)
  }
}

/** Whether any process has written into a folder. */
export function hasCoverage(folder: string): boolean {
  return existsSync(folder) && filesIn(folder).length > 0
}

/** Takes away what earlier processes have written into a folder. Does nothing where there is none. */
export function clearCoverage(folder: string): void {
  if (hasCoverage(folder)) for (const name of filesIn(folder)) rmSync(join(folder, name))
}

/** What every process has written into a folder, merged. Throws if it has nothing, or something that is no coverage. */
export function readCoverage(folder: string): Coverage {
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`)
  const names = filesIn(folder)
  if (names.length === 0)
    throw new Error(
      `no coverage in ${folder}: run the tests with WORKFLOW_COVERAGE=${folder} in their environment, and let every kit stop (await using, or kit.stop())`,
    )
  return mergeCoverage(names.map((name) => parsed(join(folder, name))))
}

function filesIn(folder: string): readonly string[] {
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`)
  return readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
}

function fileIn(folder: string): Written {
  let all = written.get(folder)
  if (all === undefined) {
    const file = join(folder, `${prefix}${process.pid}-${randomUUID()}.json`)
    written.set(folder, (all = { file, coverage: { version: 1, workflows: [] }, begun: new Set() }))
  }
  return all
}

function write(folder: string, { file, coverage, begun }: Written): void {
  try {
    mkdirSync(folder, { recursive: true })
    // In two moves, so that nobody ever reads half of it.
    writeFileSync(`${file}.new`, JSON.stringify(mergeCoverage([coverage, ...begun])))
    renameSync(`${file}.new`, file)
  } catch (cause) {
    throw new Error(`path coverage cannot be written into ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function parsed(file: string): Coverage {
  const text = readFileSync(file, 'utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${file} is no coverage: it is not JSON`, { cause })
  }
  if (isCoverage(value)) return value
  throw new Error(`${file} is no coverage that this version of @workflow/testing can read`)
}

type Fields = { readonly [name: string]: unknown }

/** Whether it has the shape of what `writeCoverage` writes. */
function isCoverage(value: unknown): value is Coverage {
  return isObject(value) && value['version'] === 1 && isList(value['workflows'], isWorkflow)
}

function isWorkflow(value: Fields): boolean {
  const { workflow, graph, transitions, timeouts, errors } = value
  const counts = ['kits', 'unstopped', 'runs'].every((name) => Number.isSafeInteger(value[name]))
  if (typeof workflow !== 'string' || !counts || !isObject(graph)) return false
  const { nodes, terminals } = graph
  return (
    isList(nodes, ({ status }) => typeof status === 'string') &&
    Array.isArray(terminals) &&
    [graph['transitions'], transitions].every((list) => isList(list, ({ from, to, kind }) => [from, to, kind].every(isText))) &&
    isList(timeouts, ({ status, name, fired }) => isText(status) && isText(name) && typeof fired === 'number') &&
    isList(errors, ({ handler, failed }) => isText(handler) && typeof failed === 'number')
  )
}

function isList(value: unknown, isItem: (item: Fields) => boolean): boolean {
  return Array.isArray(value) && value.every((item: unknown) => isObject(item) && isItem(item))
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
