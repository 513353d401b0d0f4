/**
 * Imports flow one way. In core: errors ← model ← ports ← system ← adapter ← the vocabulary at the top level ← engine ←
 * workflow, client, builder and their options ← index. Rooms of one height do not know each other. Elsewhere: an adapter
 * knows core, what is bundled into it and its own driver, and nothing else of ours.
 */
import { posix } from 'node:path'

export interface SourceFile {
  /** Relative to the root. */
  readonly path: string
  readonly text: string
}

interface Room {
  readonly name: string
  readonly height: number
}

const coreSource = 'packages/core/src/'
const heights: Readonly<Record<string, number>> = { model: 1, ports: 2, system: 3, adapter: 4, engine: 6, memory: 6, export: 6 }
const vocabulary: Room = { name: 'vocabulary', height: 5 }
const entry: Room = { name: 'entry', height: 7 }

function roomOf(path: string, entries: ReadonlySet<string>): Room {
  const inside = path.slice(coreSource.length)
  const folder = inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : undefined
  if (folder !== undefined) return { name: folder, height: heights[folder] ?? vocabulary.height }
  const name = posix.basename(inside, '.ts')
  if (name === 'errors') return { name, height: 0 }
  if (name === 'index') return { name, height: 8 }
  return entries.has(path) ? entry : vocabulary
}

/** Every import specifier of a module, types too. */
export function importsOf(text: string): readonly string[] {
  const statements = text.matchAll(/^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)
  const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [...statements, ...dynamic].map((match) => match[1] ?? '')
}

/** The imports of core that go up or sideways. Tests may import what they like. */
export function layerFaults(files: readonly SourceFile[]): readonly string[] {
  const modules = files
    .filter(({ path }) => path.startsWith(coreSource) && !isTest(path))
    .map(({ path, text }) => ({ path, targets: targetsOf(path, text) }))
  const entries = entriesOf(modules)
  return modules.flatMap(({ path, targets }) =>
    targets.flatMap((target) => {
      const [own, other] = [roomOf(path, entries), roomOf(target, entries)]
      const fine = own.name === other.name || other.height < own.height
      return fine ? [] : [`${path} imports ${target}: ${own.name} may not know ${other.name}`]
    }),
  )
}

interface Module {
  readonly path: string
  readonly targets: readonly string[]
}

function targetsOf(path: string, text: string): readonly string[] {
  return importsOf(text)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => posix.join(posix.dirname(path), specifier))
}

/** The files at the top level that put the engine and the definitions together: those from which the engine can be reached. */
function entriesOf(modules: readonly Module[]): ReadonlySet<string> {
  const top = modules.filter(({ path }) => !path.slice(coreSource.length).includes('/'))
  const entries = new Set<string>()
  for (let size = -1; size !== entries.size; ) {
    size = entries.size
    for (const { path, targets } of top) {
      if (targets.some((target) => target.startsWith(`${coreSource}engine/`) || entries.has(target))) entries.add(path)
    }
  }
  return entries
}

/** Imports of our own packages that a package may not have. `bundled` are the names of those that are never installed. */
export function packageFaults(files: readonly SourceFile[], bundled: ReadonlySet<string>): readonly string[] {
  return files
    .filter(({ path }) => path.startsWith('packages/') && path.includes('/src/') && !isTest(path))
    .flatMap((file) =>
      importsOf(file.text)
        .filter((specifier) => specifier.startsWith('@workflow/') && !specifier.startsWith('@workflow/core') && !bundled.has(specifier))
        .map((specifier) => `${file.path} imports ${specifier}: packages know core and nothing else of ours`),
    )
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.ts$/.test(path) || path.split('/').includes('test')
}
