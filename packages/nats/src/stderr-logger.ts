import type { Logger } from '@workflow/core/adapter'
import { inspect } from 'node:util'

const ignore = (): void => {}

function write(fields: object, message: string): void {
  process.stderr.write(`${message} ${inspect(fields)}\n`)
}

/** Warnings and errors go to standard error, the rest nowhere. */
export const stderrLogger: Logger = { debug: ignore, info: ignore, warn: write, error: write }
