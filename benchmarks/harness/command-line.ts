/** What a benchmark was asked for on its command line. */
import { parseArgs } from 'node:util'

export interface CommandLine {
  /** One line of JSON per figure, and nothing else. */
  readonly json: boolean
  /** Empty: all of them. */
  readonly cases: readonly string[]
  /** Instead of each case's own size. */
  readonly runs: number | undefined
  /** Measured repeats, after the warm-up. */
  readonly repeats: number
  /** Instead of each case's own time. */
  readonly seconds: number | undefined
  /** Instead of each case's own numbers of processes. */
  readonly processes: readonly number[] | undefined
}

const repeatsDefault = 5

/** Reads `--case`, `--runs`, `--repeats`, `--seconds`, `--processes` and `--json`. Throws for what it does not know. */
export function commandLine(args: readonly string[], known: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      repeats: { type: 'string', default: String(repeatsDefault) },
      seconds: { type: 'string' },
      processes: { type: 'string' },
      // Of `streams`, which reads it itself.
      adapter: { type: 'string' },
    },
  })
  const cases = values.case.flatMap((names) => names.split(','))
  for (const name of cases) if (!known.includes(name)) throw new Error(`there is no case '${name}': choose of ${known.join(', ')}`)
  return {
    json: values.json,
    cases,
    runs: values.runs === undefined ? undefined : whole('runs', values.runs),
    repeats: whole('repeats', values.repeats),
    seconds: values.seconds === undefined ? undefined : whole('seconds', values.seconds),
    processes: values.processes?.split(',').map((count) => whole('processes', count)),
  }
}

function whole(name: string, text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1; got ${text}`)
  return value
}
