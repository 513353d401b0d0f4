import { isWorkflowError } from '@workflow/core'
import { randomUUID } from 'node:crypto'
import { brokerServer } from './broker-server.ts'
import type { Carrier } from './carrier.ts'
import { type CliOptions, parseCliOptions, usage, UsageError } from './cli-options.ts'
import { memoryCarrier } from './memory-carrier.ts'
import { parcelOffice } from './parcel-office.ts'

await main().catch((error: unknown) => {
  console.error(isWorkflowError(error) || error instanceof UsageError ? error.message : error)
  process.exitCode = error instanceof UsageError ? 2 : 1
})

async function main(): Promise<void> {
  const options = parseCliOptions(process.argv.slice(2).filter((arg, index) => !(index === 0 && arg === '--')))
  if (options.help) return console.log(usage)
  await using resources = new AsyncDisposableStack()
  const carrier = resources.use(await carrierFor(options, resources))
  await parcelOffice(carrier, (line) => console.log(line))
}

/** Where the stream is, is decided here and nowhere else. */
async function carrierFor({ broker, url }: CliOptions, resources: AsyncDisposableStack): Promise<Carrier> {
  if (broker === 'memory') return memoryCarrier()
  const server = resources.use(await brokerServer(broker, url))
  console.log(`${broker}: ${server.url}, ${server.origin}`)
  // Who is interrupted leaves no server behind. Of a killed one, the next start clears it away.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => {
      server[Symbol.dispose]()
      process.exit(code)
    })
  const name = `parcels-${randomUUID().slice(0, 8)}`
  return broker === 'kafka'
    ? await (await import('./kafka-carrier.ts')).kafkaCarrier(server.url, name)
    : await (await import('./nats-carrier.ts')).natsCarrier(server.url, name)
}
