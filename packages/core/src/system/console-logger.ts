import type { Logger } from '../ports/logger.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const
/** From the least to the most urgent: debug, info, warn, error. */
export type LogLevel = (typeof levels)[number]

/** What `consoleLogger` writes. */
export interface ConsoleLoggerOptions {
  /**
   * The least that is written.
   * @default 'warn'
   */
  readonly level?: LogLevel
}

/** Writes to the console, one line per entry: the message, then the fields. The only place in core that may. */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const least = levels.indexOf(options.level ?? 'warn')
  const writer = (level: LogLevel): Logger['info'] =>
    levels.indexOf(level) < least
      ? () => undefined
      : // The console takes a text with a % for a format, and the fields for what belongs into it.
        (fields, message) => (message.includes('%') ? console[level]('%s', message, fields) : console[level](message, fields))
  return Object.freeze({ debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') })
}
