/** A process of its own that writes to a file until it is killed: `node writer-process.ts <file> <name> <runs> [versions]`. */
import { sqlite } from '../src/index.ts'
import { write } from '../../testing/test/database/write.ts'

const [file = '', name = '', runs = '0', versions = '0'] = process.argv.slice(2)
await write(sqlite({ file, busyTimeout: '20s' }), name, Number(runs), Number(versions))
