/** The peers are no dependencies of the workspace: they are installed here, from a lockfile of their own, when they are measured. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Brings `peers/node_modules` to what the lockfile says; takes a moment where it is so already. Throws with pnpm's words. */
export function installPeers(): void {
  const folder = fileURLToPath(new URL('peers', import.meta.url))
  const { status, error, stdout, stderr } = spawnSync('pnpm', ['install', '--frozen-lockfile'], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the peers cannot be installed: ${error?.message ?? `${stdout}${stderr}`}`)
}
