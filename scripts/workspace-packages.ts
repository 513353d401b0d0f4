/** The packages of this workspace, read from the disk: what exists is checked, what does not is not asked for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const root: string = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** The parts of a package.json that the scripts look at. */
export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

export interface WorkspacePackage {
  /** Relative to the root, with forward slashes: `packages/core`. */
  readonly folder: string
  readonly manifest: Manifest
  /** Whether it goes to the registry. */
  readonly published: boolean
}

/** Every package below packages/ and examples/, and the single ones beside them, sorted by folder. */
export function workspacePackages(): readonly WorkspacePackage[] {
  const nested = ['packages', 'examples'].flatMap((parent) => subfolders(parent))
  return [...nested, 'benchmarks', 'docs', 'system'].filter((folder) => existsSync(join(root, folder, 'package.json'))).map(read)
}

/** The packages that users install. */
export function publishedPackages(): readonly WorkspacePackage[] {
  return workspacePackages().filter(({ published }) => published)
}

/** The packages below packages/ that nobody installs: they are bundled into those that import them. */
export function bundledPackages(): readonly WorkspacePackage[] {
  return workspacePackages().filter(({ folder, published }) => folder.startsWith('packages/') && !published)
}

function subfolders(parent: string): readonly string[] {
  if (!existsSync(join(root, parent))) return []
  const entries = readdirSync(join(root, parent), { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`)
    .sort()
}

function read(folder: string): WorkspacePackage {
  // Written by ourselves, and what matters of its shape is checked by check-architecture.ts.
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
  return { folder, manifest, published: folder.startsWith('packages/') && manifest.private !== true }
}
