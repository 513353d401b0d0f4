import type { Instrumentation } from '@workflow/core'
import { instrumentsOf } from './instruments.ts'
import { type OpenTelemetryOptions, settingsOf } from './options.ts'
import { Tracing } from './tracing.ts'

/**
 * Workflow's spans and metrics through the OpenTelemetry API: `build({ …, instrumentation: opentelemetry() })`, in workers
 * and in clients. Where no SDK is registered nothing is recorded, and trace contexts of callers are passed on as they are.
 * Any number of workflows and instances may share one, or have one each. Throws `Configuration` for options that cannot work.
 */
export function opentelemetry(options: OpenTelemetryOptions = {}): Instrumentation {
  const settings = settingsOf(options)
  const tracing = settings.traces ? new Tracing(settings) : undefined
  const spans = tracing === undefined ? undefined : { span: tracing.span }
  if (!settings.metrics) return Object.freeze({ count: nothing, gauge: nothing, observe: nothing, ...spans })
  const instruments = instrumentsOf(settings)
  return Object.freeze({
    count: (name, n, labels) => instruments.counters.get(name)?.add(n, labels),
    gauge: (name, value, labels) => instruments.gauges.get(name)?.set(value, labels),
    observe: (name, seconds, labels) => instruments.record(name, seconds, labels),
    attach: (observed) => instruments.attach(observed, settings.asking),
    ...spans,
  } satisfies Instrumentation)
}

const nothing = (): void => undefined
