import { loggableError } from '../adapter/loggable-error.ts'
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

/** For the engine's own lines: an `error` is shown without what others have hung on it. */
export function discreet(logger: Logger): Logger {
  const shown = (fields: object): object => ('error' in fields ? { ...fields, error: loggableError(fields.error) } : fields)
  return {
    debug: (fields, message) => logger.debug(shown(fields), message),
    info: (fields, message) => logger.info(shown(fields), message),
    warn: (fields, message) => logger.warn(shown(fields), message),
    error: (fields, message) => logger.error(shown(fields), message),
  }
}

const ignore = (): void => undefined
