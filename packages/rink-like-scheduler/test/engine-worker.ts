/** A worker in a process of its own: `node engine-worker.ts <file> <endpoint> <prefix> <instance>`. Says `ready`, and works until it is killed. */
import { mixed, workOnErrands } from './errands.ts'

const [file = '', endpoint = '', prefix = '', instance = ''] = process.argv.slice(2)
process.on('disconnect', () => process.exit())
await workOnErrands(mixed(file, endpoint, prefix, instance))
process.send?.('ready')
