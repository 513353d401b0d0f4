/** Seeds a shop and serves the web UI: `npm start`. ORDERS and PORT say how many and where. */
import { sqlite } from '@workflow/sqlite'
import { serveWebUi } from '@workflow/webui'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { live } from './live.ts'
import { seed } from './seed.ts'
import { orderDefinition, parcelDefinition } from './shop.worker.ts'

/** Handlers fail here on purpose, a thousand times: what is told is where to look. */
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const folder = mkdtempSync(join(tmpdir(), 'workflow-shop-'))
try {
  const infrastructure = { ...sqlite({ file: join(folder, 'shop.db') }), logger: quiet }
  await using orders = orderDefinition.build({ ...infrastructure, autoResume: false })
  await using parcels = parcelDefinition.build(infrastructure)
  await Promise.all([orders.run(), parcels.run()])

  const count = Number(process.env['ORDERS'] ?? 2_000)
  const startedMs = performance.now()
  await seed({ orders, parcels }, count)
  console.log(`${count} orders in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`)

  await using served = await serveWebUi({ workflows: [orders, parcels], port: Number(process.env['PORT'] ?? 0), print: false })
  console.log(`Look after the shop at ${served.url}/ and stop it with Ctrl-C.`)
  await live({ orders, parcels }, count, stop.signal)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
