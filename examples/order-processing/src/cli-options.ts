/** What may be said on the command line. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What can carry the events in the place of the database. */
export const brokers = ['kafka', 'nats'] as const
export type Broker = (typeof brokers)[number]

export interface CliOptions {
  /** Absolute path of the database. */
  readonly db: string
  /** The one that is used where nobody names one. */
  readonly dbDefault: string
  /** Absolute path of the orders, or `-` for stdin; absent: whatever is piped, else the sample. */
  readonly file?: string
  /** Take no orders: only finish what the database holds. */
  readonly resume: boolean
  readonly count: number
  /** Absent: the database carries the events itself. */
  readonly broker?: Broker
  /** Of the broker. */
  readonly url?: string
  readonly seed: string
  readonly fast: boolean
  readonly interactive: boolean
  readonly reset: boolean
  /** Serve the web UI at the end; absent: if a person sits at a terminal. */
  readonly ui?: boolean
  readonly help: boolean
}

/** The arguments make no sense; the message says which, and what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const seedDefault = 'lisbon'

export const usage = `Runs orders through a durable workflow on one SQLite file. Kill it whenever you like, and start it again.

  npm start -- [options]

  --file <path>     orders to process, one JSON object per line; - waits for stdin
                    (default: what is piped into stdin, else a sample of 1,000 orders)
  --resume          take no new orders, only finish those of the database
  --count <n>       take at most n orders
  --broker <name>   send the events over kafka or nats (default: over the database)
  --url <address>   of the broker: 127.0.0.1:9092, nats://127.0.0.1:4222 (default: a server is started for it)
  --db <path>       the database (default: data/orders.db of the example)
  --reset           delete the database first
  --interactive     decide about large orders yourself
  --fast            let the simulated world run about twenty times as fast
  --ui, --no-ui     serve the web UI at the end, until Ctrl-C, or not (default: if this is a terminal)
  --seed <text>     another seed makes another world (default: lisbon)
  --help            this text

An order: {"id":"A-1","customer":"Ada","card":"visa-4242","items":[{"sku":"lamp","quantity":2,"cents":4900}]}
Cards that end in -0002 are declined. Orders of 800 euros and more need an approval.
`

/** Reads arguments. Relative paths start at `cwd`. Throws `UsageError`. */
export function parseCliOptions(args: readonly string[], cwd: string, dbDefault: string): CliOptions {
  const {
    file,
    db,
    count,
    seed,
    broker,
    url,
    resume = false,
    fast = false,
    interactive = false,
    reset = false,
    ui,
    'no-ui': noUi,
    help = false,
  } = parsed(args)
  if (file === '') throw new UsageError('--file needs the path of a file, or - for stdin')
  if (db === '') throw new UsageError('--db needs the path of a file')
  if (resume && file !== undefined) throw new UsageError('--resume takes no orders, and --file names some: leave one of them out')
  if (resume && reset) throw new UsageError('--resume goes on with what --reset deletes: leave one of them out')
  if (interactive && file === '-')
    throw new UsageError('--interactive needs the keyboard, and --file - reads orders from there: leave one of them out')
  if (ui === true && noUi === true) throw new UsageError('--ui and --no-ui cannot both be: leave one of them out')
  const known = brokers.find((name) => name === broker)
  if (broker !== undefined && known === undefined) throw new UsageError(`--broker is one of ${brokers.join(', ')}; got '${broker}'`)
  if (url !== undefined && known === undefined) throw new UsageError('--url names a broker: say which with --broker')
  if (url === '') throw new UsageError('--url needs the address of a broker')
  return {
    db: db === undefined ? dbDefault : resolve(cwd, db),
    dbDefault,
    ...(file === undefined ? undefined : { file: file === '-' ? '-' : resolve(cwd, file) }),
    resume,
    count: count === undefined ? Infinity : wholeNumber(count),
    ...(known === undefined ? undefined : { broker: known }),
    ...(url === undefined ? undefined : { url }),
    seed: seed ?? seedDefault,
    fast,
    interactive,
    reset,
    ...(ui === true || noUi === true ? { ui: ui === true } : undefined),
    help,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        file: { type: 'string' },
        db: { type: 'string' },
        count: { type: 'string' },
        seed: { type: 'string' },
        broker: { type: 'string' },
        url: { type: 'string' },
        resume: { type: 'boolean' },
        fast: { type: 'boolean' },
        interactive: { type: 'boolean' },
        reset: { type: 'boolean' },
        ui: { type: 'boolean' },
        'no-ui': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw new UsageError(`--count must be a whole number of 1 or more; got '${text}'`)
  return Number(text)
}
