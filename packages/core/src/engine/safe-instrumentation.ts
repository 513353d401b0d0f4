import type { Clock } from '../ports/clock.ts'
import type { Instrumentation, Observed } from '../ports/instrumentation.ts'
import type { Logger } from '../ports/logger.ts'
import { isTraceparent } from './span-start.ts'

/** What fails again and again is said this often. */
const againMs = 60_000

type Span = NonNullable<Instrumentation['span']>
type Threw = (what: object, key: string, error: unknown) => void

/**
 * The same measurements and spans, whose errors are logged and never reach the work. What is traced is done exactly once
 * and has its own result, whatever the span does.
 */
export function safeInstrumentation(given: Instrumentation, logger: Logger, clock: Clock, workflow: string): Instrumentation {
  const quiet = new Map<string, number>()
  const threw: Threw = (what, key, error) => {
    const now = clock.monotonic()
    if (now < (quiet.get(key) ?? -Infinity)) return
    quiet.set(key, now + againMs)
    logger.error({ workflow, ...what, error }, 'the instrumentation threw; what it was to record is lost')
  }
  const safe = (measure: 'count' | 'gauge' | 'observe'): Instrumentation['count'] => {
    // An async function fits the type, too.
    const record: (...args: Parameters<Instrumentation['count']>) => unknown = given[measure].bind(given)
    return (name, value, labels) => {
      try {
        const recorded = record(name, value, labels)
        if (recorded !== undefined) settled(recorded, (error) => threw({ metric: name }, name, error))
      } catch (error) {
        threw({ metric: name }, name, error)
      }
    }
  }
  const { span, attach } = given
  return {
    ...(span === undefined ? undefined : { span: safeSpan(span.bind(given), threw) }),
    ...(attach === undefined ? undefined : { attach: safeAttach(attach.bind(given), threw) }),
    count: safe('count'),
    gauge: safe('gauge'),
    observe: safe('observe'),
  }
}

function safeSpan(span: Span, threw: Threw): Span {
  return <T>(start: Parameters<Span>[0], work: (traceparent: string | undefined) => Promise<T>): Promise<T> => {
    let result: Promise<T> | undefined
    const once = (traceparent?: string): Promise<T> => (result ??= begun(work, traceparent, start.traceparent))
    const failed = (error: unknown): void => threw({ span: start.kind }, `span ${start.kind}`, error)
    try {
      const spanned: unknown = span(start, once)
      // Most hand back what the work has given them: then there is nothing of their own that could fail.
      if (spanned !== result) watched(spanned, once, failed)
    } catch (error) {
      failed(error)
    }
    // Not begun by now, it would wait for as long as the span likes.
    return once()
  }
}

/** The work's own error comes back through the span, and is no error of the span's. */
function watched(spanned: unknown, work: () => Promise<unknown>, failed: (error: unknown) => void): void {
  Promise.resolve(spanned).catch((error: unknown) => {
    work().then(
      () => failed(error),
      (own) => {
        if (own !== error) failed(error)
      },
    )
  })
}

/** A promise that nobody waits for would end the process by its rejection. */
function settled(result: unknown, failed: (error: unknown) => void): void {
  if (result instanceof Promise) result.catch(failed)
}

function begun<T>(
  work: (traceparent: string | undefined) => Promise<T>,
  traceparent: string | undefined,
  known: string | undefined,
): Promise<T> {
  // What is none would be stored with the run, or refused where it is triggered.
  return work(traceparent === known || isTraceparent(traceparent) ? traceparent : undefined)
}

function safeAttach(attach: NonNullable<Instrumentation['attach']>, threw: Threw): NonNullable<Instrumentation['attach']> {
  return (observed: Observed): Disposable => {
    let attached: Disposable | undefined
    try {
      attached = attach(observed)
    } catch (error) {
      threw({}, 'attach', error)
    }
    return {
      [Symbol.dispose]: () => {
        try {
          const detached: unknown = attached?.[Symbol.dispose]()
          settled(detached, (error) => threw({}, 'attach', error))
        } catch (error) {
          threw({}, 'attach', error)
        }
      },
    }
  }
}
