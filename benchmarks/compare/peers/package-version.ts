/** Which version of a peer is installed here. */
import { readFileSync } from 'node:fs'

/** The name with the version that package.json pins. */
export function versionOf(...names: readonly string[]): string {
  // Our own file, with a version for each of these.
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>
  }
  return names.map((name) => `${name} ${dependencies[name] ?? 'of an unknown version'}`).join(', ')
}
