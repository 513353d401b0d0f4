/** The rules of this repository that no linter knows. Prints every breach and ends with 1 if there is one. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorFaults, optionFaults, optionsOf } from './architecture/documented.ts'
import { layerFaults, packageFaults, type SourceFile } from './architecture/layers.ts'
import { manifestFaults } from './architecture/manifests.ts'
import { dateFaults, shapeFaults, wordFaults } from './architecture/sources.ts'
import { bundledPackages, root, workspacePackages } from './workspace-packages.ts'

const files = textFiles()
const bundled = new Set(bundledPackages().map(({ manifest }) => manifest.name))
const faults = [
  ...layerFaults(files),
  ...packageFaults(files, bundled),
  ...files.flatMap((file) => [...wordFaults(file), ...shapeFaults(file), ...dateFaults(file)]),
  ...workspacePackages().flatMap((pack) => manifestFaults(pack, readdirSync(join(root, pack.folder)), bundled)),
  ...documentation(),
]
for (const fault of faults) console.error(fault)
console.log(`${files.length} files, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

/** What git knows or would add, except the lockfile and what is no text. */
function textFiles(): readonly SourceFile[] {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).stdout.split('\n')
  return listed
    .filter(
      (path) => /\.(m?[jt]sx?|json|ya?ml|md|sh)$|^\.ci\/|^LICENSE$/.test(path) && path !== 'pnpm-lock.yaml' && existsSync(join(root, path)),
    )
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

function documentation(): readonly string[] {
  const page = (path: string): string | undefined => files.find((file) => file.path === path)?.text
  const [errors, configuration] = [page('docs/errors.md'), page('docs/configuration.md')]
  const source = (name: string): string => page(`packages/core/src/${name}.ts`) ?? ''
  return [
    ...(errors === undefined ? [] : errorFaults(source('errors'), errors)),
    ...(configuration === undefined
      ? []
      : optionFaults([...optionsOf(source('options')), ...optionsOf(source('infrastructure'))], configuration)),
  ]
}
