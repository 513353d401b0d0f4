/** What every package.json of ours must say, so that a package installs, resolves and is published like its siblings. */
import type { WorkspacePackage } from '../workspace-packages.ts'

const dependencyFields = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

/**
 * The mistakes in a package.json, one line of text each. `files` are the names in the package's folder, `bundled` those of
 * the packages that nobody can install.
 */
export function manifestFaults(pack: WorkspacePackage, files: readonly string[], bundled: ReadonlySet<string>): readonly string[] {
  const rules = pack.published
    ? [...everywhere(pack), ...published(pack), ...bundleRules(pack, bundled), ...fileRules(files)]
    : everywhere(pack)
  return rules.filter(({ holds }) => !holds).map(({ says }) => `${pack.folder}/package.json: ${says}`)
}

interface Rule {
  readonly holds: boolean
  readonly says: string
}

function everywhere({ manifest }: WorkspacePackage): readonly Rule[] {
  const all = dependencyFields.flatMap((field) => Object.entries((manifest[field] ?? {}) as Readonly<Record<string, string>>))
  return [
    { holds: manifest['type'] === 'module', says: '"type" must be "module"' },
    { holds: manifest['license'] === 'MIT', says: '"license" must be "MIT"' },
    ...all.map(([name, range]) =>
      name.startsWith('@workflow/')
        ? { holds: range === 'workspace:^', says: `${name} must be "workspace:^", so that it can never come from a registry` }
        : { holds: /^(npm:(@[^@]+|[^@]+)@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range), says: `${name} must be pinned to an exact version` },
    ),
  ]
}

function published({ folder, manifest }: WorkspacePackage): readonly Rule[] {
  const publish = (manifest['publishConfig'] ?? {}) as Readonly<Record<string, unknown>>
  const engines = (manifest['engines'] ?? {}) as Readonly<Record<string, unknown>>
  const ways = Object.entries((manifest['exports'] ?? {}) as Readonly<Record<string, unknown>>)
  return [
    { holds: manifest.name === folder.replace('packages/', '@workflow/'), says: '"name" must be @workflow/ and the name of its folder' },
    { holds: typeof manifest.version === 'string', says: '"version" is missing' },
    { holds: typeof manifest['description'] === 'string' && manifest['description'] !== '', says: '"description" is missing' },
    { holds: manifest['sideEffects'] === false, says: '"sideEffects" must be false' },
    { holds: nodeRange(engines['node']), says: '"engines.node" must be ">=22.14", or more where a driver needs more' },
    {
      holds: publish['access'] === 'public' && publish['provenance'] === true,
      says: '"publishConfig" must have public access and provenance',
    },
    { holds: ways.length > 0, says: '"exports" is missing' },
    ...ways.filter(([, way]) => typeof way === 'object').map(([name, way]) => wayRule(name, way as Readonly<Record<string, unknown>>)),
  ]
}

/** A dependency that is in no registry would make every install fail. */
function bundleRules(
  { manifest: { dependencies = {}, peerDependencies = {} } }: WorkspacePackage,
  bundled: ReadonlySet<string>,
): readonly Rule[] {
  const names = Object.keys({ ...dependencies, ...peerDependencies })
  return [...bundled].map((name) => ({ holds: !names.includes(name), says: `${name} is bundled: it belongs in "devDependencies"` }))
}

function nodeRange(range: unknown): boolean {
  const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(String(range)) ?? []
  return Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 14)
}

/** Conditions are tried in the order in which they are written. */
function wayRule(name: string, way: Readonly<Record<string, unknown>>): Rule {
  const holds = Object.keys(way).join() === '@workflow/source,types,default'
  return { holds, says: `"exports" of "${name}" must have "@workflow/source", "types" and "default", in this order` }
}

function fileRules(files: readonly string[]): readonly Rule[] {
  return ['README.md', 'tsconfig.json', 'tsconfig.build.json'].map((name) => ({
    holds: files.includes(name),
    says: `${name} is missing beside it`,
  }))
}
