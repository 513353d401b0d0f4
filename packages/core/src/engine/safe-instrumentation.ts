import type { Instrumentation } from '../ports/instrumentation.ts'
import type { Logger } from '../ports/logger.ts'

/** The same measurements, whose errors are logged and never reach the work that they measure. */
export function safeInstrumentation(instrumentation: Instrumentation, logger: Logger): Instrumentation {
  const safe =
    (measure: 'count' | 'gauge' | 'observe'): Instrumentation['count'] =>
    (name, value, labels) => {
      try {
        instrumentation[measure](name, value, labels)
      } catch (error) {
        logger.error({ metric: name, error }, 'the instrumentation threw; the measurement is lost')
      }
    }
  return {
    ...(instrumentation.span === undefined ? undefined : { span: instrumentation.span.bind(instrumentation) }),
    ...(instrumentation.attach === undefined ? undefined : { attach: instrumentation.attach.bind(instrumentation) }),
    count: safe('count'),
    gauge: safe('gauge'),
    observe: safe('observe'),
  }
}
