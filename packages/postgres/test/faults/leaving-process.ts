/** A process that reads once, and closes when it is told to. Nothing but its connections could keep it alive then. */
import { once } from 'node:events'
import { postgres } from '../../src/index.ts'

const [connectionString = '', schema = ''] = process.argv.slice(2)
const { recordStore, close } = postgres({ connectionString, schema })
await recordStore.lookup('a run')
process.send?.('ready')
await once(process, 'message')
await close()
process.disconnect()
