import { parseArgs } from 'node:util'
import { type Broker, brokers } from './broker-server.ts'

export interface CliOptions {
  readonly broker: Broker | 'memory'
  /** Of the broker. */
  readonly url?: string
  readonly help: boolean
}

/** The arguments make no sense; the message says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `Two workflows on the stream of a carrier.

  npm start -- [options]

  --broker <name>   where the stream is: memory, kafka or nats (default: memory)
  --url <address>   of the broker: 127.0.0.1:9092, nats://127.0.0.1:4222
                    (default: what WORKFLOW_TEST_KAFKA_URL or WORKFLOW_TEST_NATS_URL says, else a server is started)
  --help            this text
`

/** Reads arguments. Throws `UsageError`. */
export function parseCliOptions(args: readonly string[]): CliOptions {
  const { broker = 'memory', url, help = false } = parsed(args)
  const known = (['memory', ...brokers] as const).find((name) => name === broker)
  if (known === undefined) throw new UsageError(`--broker is one of memory, ${brokers.join(', ')}; got '${broker}'`)
  if (url !== undefined && known === 'memory') throw new UsageError('--url names a broker: say which with --broker')
  if (url === '') throw new UsageError('--url needs the address of a broker')
  return { broker: known, help, ...(url === undefined ? undefined : { url }) }
}

function parsed(args: readonly string[]) {
  try {
    const options = { broker: { type: 'string' }, url: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...args], allowPositionals: false, options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
