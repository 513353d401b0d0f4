import type { Logger } from '@workflow/core'
import type { LogLine } from './test-kit.ts'

/** A logger whose lines are kept, in order. */
export function recordedLogger(lines: LogLine[]): Logger {
  const at =
    (level: LogLine['level']) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields: { ...fields }, message })
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
