/** What the comparison was asked for on its command line. */
import { parseArgs } from 'node:util'

export interface Asked {
  /** One line of JSON per figure, and nothing else. */
  readonly json: boolean
  /** Who takes part, in this order. */
  readonly peers: readonly string[]
  /** How many runs a burst is. */
  readonly runs: number
  /** How long each measurement with a window or a pace lasts. */
  readonly seconds: number
  /** How many runs are in flight; where there are several, the best counts. */
  readonly windows: readonly number[]
}

const runsDefault = 5_000
const secondsDefault = 10
/** Some are fastest with many runs in flight, some with few. */
const windowsDefault = '100,1000'

/** Reads `--peers`, `--runs`, `--seconds`, `--windows` and `--json`. Throws for what it does not know. */
export function askedBy(args: readonly string[], known: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      peers: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string', default: String(runsDefault) },
      seconds: { type: 'string', default: String(secondsDefault) },
      windows: { type: 'string', default: windowsDefault },
    },
  })
  const asked = values.peers.flatMap((names) => names.split(','))
  for (const name of asked) if (!known.includes(name)) throw new Error(`there is no peer '${name}': choose of ${known.join(', ')}`)
  return {
    json: values.json,
    peers: asked.length === 0 ? known : [...new Set(asked)],
    runs: whole('runs', values.runs),
    seconds: whole('seconds', values.seconds),
    windows: values.windows.split(',').map((size) => whole('windows', size)),
  }
}

function whole(name: string, text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1; got ${text}`)
  return value
}
