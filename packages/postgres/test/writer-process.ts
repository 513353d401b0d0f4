/** A process of its own that writes to a database until it is killed: `node writer-process.ts <url> <schema> <name> <runs> [versions]`. */
import { postgres } from '../src/index.ts'
import { write } from '../../testing/test/database/write.ts'

const [connectionString = '', schema = '', name = '', runs = '0', versions = '0'] = process.argv.slice(2)
await write(postgres({ connectionString, schema }), name, Number(runs), Number(versions))
