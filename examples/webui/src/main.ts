/** Seeds a shop and serves the web UI: `npm start`. ORDERS and PORT say how many and where. */
import { sqlite } from '@workflow/sqlite'
import { serveWebUi } from '@workflow/webui'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seed } from './seed.ts'
import { orderDefinition, parcelDefinition } from './shop.worker.ts'

const file = join(mkdtempSync(join(tmpdir(), 'workflow-shop-')), 'shop.db')
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error }
await using infrastructure = sqlite({ file })
await using shop = orderDefinition.build({ ...infrastructure, logger: quiet, autoResume: false })
await using post = parcelDefinition.build({ ...infrastructure, logger: quiet })
await Promise.all([shop.run(), post.run()])

await seed(shop, post, Number(process.env['ORDERS'] ?? 2_000))
await using served = await serveWebUi({ workflows: [shop, post], port: Number(process.env['PORT'] ?? 0), print: false })
console.log(`Look after the shop at ${served.url}/ and stop it with Ctrl C.`)
await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
