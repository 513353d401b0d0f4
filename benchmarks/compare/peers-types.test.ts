import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('peers', import.meta.url))

// The gate compiles benchmarks without the peers, which are installed only where they are measured.
const installed = existsSync(`${folder}/node_modules/pg-boss`)
if (!installed) console.error('THE TYPES OF THE MODULES OF PEERS ARE SKIPPED: pnpm bench compare installs the peers')

test.skipIf(!installed)("the peers' modules compile against the peers", { timeout: 120_000 }, () => {
  const { stdout, status, error } = spawnSync('tsc', ['-p', folder, '--noEmit', '--pretty', 'false'], { encoding: 'utf8' })
  expect({ stdout, status, error }).toEqual({ stdout: '', status: 0, error: undefined })
})
