/** Whether this runs on a version of Node, e.g. `'22.14.0'`: the oldest is the one in `engines` of package.json. */
export function supportsNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 14)
}
