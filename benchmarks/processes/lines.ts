/** How a process of a benchmark speaks to the one that started it. */
import { createInterface } from 'node:readline'

export function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Ends when the parent closes its end, so that no process outlives the benchmark. */
export function heard(): AsyncIterableIterator<string> {
  return createInterface({ input: process.stdin })[Symbol.asyncIterator]()
}
