/** `pnpm crash --cycles 50 [--with pg] [--seed n] [--transfers n] [--life ms]`: the crash test at length. Exit code 1 if a promise was broken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashCycles } from './crash-cycles.ts'
import { freshDatabase } from './fresh-database.ts'
import { findServer } from './server.ts'
import { type Way, ways } from './ways.ts'

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    with: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    transfers: { type: 'string', default: '300' },
    life: { type: 'string', default: '1500' },
  },
})
const asked = ways.filter((way) => values.with === undefined || way === values.with)
if (asked.length === 0) throw new Error(`--with ${values.with}: there are ${ways.join(', ')}`)
using server = await findServer()
console.log(`seed ${values.seed}, on ${server.origin}`)
for (const way of asked) await crash(way, server.url)

async function crash(way: Way, serverUrl: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sql-crash-'))
  await using database = await freshDatabase(serverUrl)
  const { ends, faults, ...counts } = await crashCycles({
    url: database.url,
    way,
    seed: Number(values.seed),
    cycles: Number(values.cycles),
    transfersPerCycle: Number(values.transfers),
    lifeMsMax: Number(values.life),
    folder,
    progress: (text) => console.log(`${way}: ${text}`),
  })
  rmSync(folder, { recursive: true })
  console.log(`${way}: ${JSON.stringify({ ...Object.fromEntries(ends), ...counts })}, ${faults.length} faults`)
  for (const fault of faults) console.log(`${way}: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}
