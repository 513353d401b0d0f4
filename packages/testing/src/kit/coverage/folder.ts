/** Coverage on its way from the processes of a test runner to the one that reports it: a folder with a file of each. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Coverage, mergeCoverage } from './coverage.ts'

const prefix = 'workflow-coverage-'

/** Per folder, what this module has written so far. A test runner may load it once per test file: each has a file of its own. */
const written = new Map<string, { readonly file: string; coverage: Coverage }>()

/** Adds coverage to this process's file in a folder, which is made if it is not there. */
export function writeCoverage(folder: string, coverage: Coverage): void {
  const known = written.get(folder)
  const file = known?.file ?? join(folder, `${prefix}${process.pid}-${randomUUID()}.json`)
  const all = known === undefined ? coverage : mergeCoverage([known.coverage, coverage])
  written.set(folder, { file, coverage: all })
  mkdirSync(folder, { recursive: true })
  // In two moves, so that nobody ever reads half of it.
  writeFileSync(`${file}.new`, JSON.stringify(all))
  renameSync(`${file}.new`, file)
}

/** What every process has written into a folder, merged. Throws if it has nothing, or something that is no coverage. */
export function readCoverage(folder: string): Coverage {
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
  if (names.length === 0)
    throw new Error(
      `no coverage in ${folder}: run the tests with WORKFLOW_COVERAGE=${folder} in their environment, and let every kit stop (await using, or kit.stop())`,
    )
  return mergeCoverage(names.map((name) => parsed(join(folder, name))))
}

function parsed(file: string): Coverage {
  const text = readFileSync(file, 'utf8')
  try {
    const value = JSON.parse(text) as Partial<Coverage> | null
    // The cast holds for what `writeCoverage` has written, which is what the version says.
    if (value?.version === 1 && Array.isArray(value.workflows)) return value as Coverage
  } catch (cause) {
    throw new Error(`${file} is no coverage: it is not JSON`, { cause })
  }
  throw new Error(`${file} is no coverage that this version of @workflow/testing can read`)
}
