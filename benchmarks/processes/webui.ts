/** Serves the web UI of a database in a process that works on nothing, and says where, until its input ends. */
import { serveWebUi } from '@workflow/webui'
import { claims } from '../harness/claims.ts'
import { openDatabase } from '../harness/database.ts'
import { orders } from '../harness/orders.ts'
import { heard, say } from './lines.ts'

const [address = '', name = claims.name] = process.argv.slice(2)
const database = openDatabase(address)
const client = name === orders.name ? orders.client(database) : claims.client(database)
const served = await serveWebUi({ workflows: [client], unsafeNoAuth: true, print: false })
say({ url: served.url })
for await (const _line of heard()) continue
await served.close()
await client.close()
await database.close()
