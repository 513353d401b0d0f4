import type { Logger } from '../ports/logger.ts'

/** The same logger, whose errors go nowhere: a log that is down must not take the work with it. */
export function safeLogger(logger: Logger): Logger {
  const safe =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        // An async function fits the type, too.
        const written: unknown = logger[level](fields, message)
        if (written instanceof Promise) written.catch(ignore)
      } catch {
        // There is nobody left to tell.
      }
    }
  return { debug: safe('debug'), info: safe('info'), warn: safe('warn'), error: safe('error') }
}

const ignore = (): void => undefined
