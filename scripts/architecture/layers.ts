/**
 * Imports flow one way. In core: errors ← model ← ports ← system ← adapter ← the vocabulary at the top level ← engine ←
 * workflow, client, builder and their options ← index. Rooms of one height do not know each other. Elsewhere: an adapter
 * knows core and its own driver, and nothing else of ours.
 */
import { dirname, posix } from 'node:path'

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
const heights: Readonly<Record<string, number>> = { model: 1, ports: 2, system: 3, adapter: 4, engine: 6, memory: 6 }
/** The files at the top level that put engine and definitions together. Every other one there is vocabulary. */
const entries = ['workflow', 'client', 'builder', 'definition-builder', 'contract', 'options', 'infrastructure', 'resolved-infrastructure']

function roomOf(path: string): Room {
  const inside = path.slice(coreSource.length)
  const folder = inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : undefined
  const height = folder === undefined ? undefined : heights[folder]
  if (folder !== undefined) return { name: folder, height: height ?? 5 }
  const name = posix.basename(inside, '.ts')
  if (name === 'errors') return { name, height: 0 }
  if (name === 'index') return { name, height: 8 }
  return entries.includes(name) ? { name: 'entry', height: 7 } : { name: 'vocabulary', height: 5 }
}

/** Every import specifier of a module, types too. */
export function importsOf(text: string): readonly string[] {
  const statements = text.matchAll(/^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm)
  const dynamic = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [...statements, ...dynamic].map((match) => match[1] ?? '')
}

/** The imports of core that go up or sideways. Tests may import what they like. */
export function layerFaults(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => path.startsWith(coreSource) && !isTest(path))
    .flatMap((file) =>
      importsOf(file.text)
        .filter((specifier) => specifier.startsWith('.'))
        .flatMap((specifier) => upward(file.path, posix.join(dirname(file.path), specifier))),
    )
}

function upward(from: string, to: string): readonly string[] {
  const [own, other] = [roomOf(from), roomOf(to)]
  if (own.name === other.name || other.height < own.height) return []
  return [`${from} imports ${to}: ${own.name} may not know ${other.name}`]
}

/** Imports of our own packages that a package may not have. */
export function packageFaults(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => path.startsWith('packages/') && path.includes('/src/') && !isTest(path))
    .flatMap((file) =>
      importsOf(file.text)
        .filter((specifier) => specifier.startsWith('@workflow/') && !specifier.startsWith('@workflow/core'))
        .map((specifier) => `${file.path} imports ${specifier}: packages know core and nothing else of ours`),
    )
}

export function isTest(path: string): boolean {
  return /\.test(-d)?\.ts$/.test(path) || path.split('/').includes('test')
}
