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

let shown: ((error: unknown) => unknown) | undefined

/** Loads what is needed to write a line with an error. */
export async function loadDiscretion(): Promise<void> {
  shown ??= (await import('../adapter/loggable-error.ts')).loggableError
}

/**
 * For the engine's own lines: an `error` is shown without what others have hung on it. In a process without a worker the first
 * line with an error comes a moment late, because what it needs is loaded then.
 */
export function discreet(logger: Logger): Logger {
  const write =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      if (!('error' in fields)) logger[level](fields, message)
      else if (shown !== undefined) logger[level]({ ...fields, error: shown(fields.error) }, message)
      else loadDiscretion().then(() => write(level)(fields, message), ignore)
    }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

const ignore = (): void => undefined
