/** A process of its own that writes to a database until it is killed: `node writer-process.ts <url> <schema> <name> <runs> [versions]`. */
import { postgres } from '../src/index.ts'
import { layout, unitOf } from './make-unit.ts'

const [connectionString = '', schema = '', name = '', runs = '0', versions = '0'] = process.argv.slice(2)
const db = postgres({ connectionString, schema })
await db.eventStreamer.ensure(layout)
process.stdout.write('ready\n')

async function advance(runId: string): Promise<void> {
  const stored = await db.recordStore.lookup(runId)
  for (let version = (stored?.version ?? 0) + 1; versions === '0' || version <= Number(versions); version++) {
    const result = await db.recordStore.commit(unitOf(runId, version))
    if (!result.ok) throw new Error(`${runId} at ${version}: ${result.reason}`)
    // What was answered must be there afterwards: the parent reads it.
    process.stdout.write(`${runId} ${version}\n`)
  }
}
await Promise.all(Array.from({ length: Number(runs) }, (_, i) => advance(`${name}-${i}`)))
await db.close()
