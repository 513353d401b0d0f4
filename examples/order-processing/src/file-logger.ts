/** The engine's log, one JSON object per line: it must not write across the picture on the terminal. */
import type { Logger } from '@workflow/core'
import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

export class FileLogger implements Logger {
  readonly #stream: WriteStream

  constructor(file: string) {
    this.#stream = createWriteStream(file, { flags: 'a' })
    // A log that cannot be written must not stop the orders.
    this.#stream.on('error', () => undefined)
  }

  readonly debug = (): void => {}
  readonly info = (fields: object, message: string): void => this.#write('info', fields, message)
  readonly warn = (fields: object, message: string): void => this.#write('warn', fields, message)
  readonly error = (fields: object, message: string): void => this.#write('error', fields, message)

  async close(): Promise<void> {
    this.#stream.end()
    await finished(this.#stream).catch(() => undefined)
  }

  #write(level: string, fields: object, message: string): void {
    this.#stream.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields }, errorsAsText)}\n`)
  }
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message } : value
}
