/**
 * Spans of the engine's work. Each belongs to the trace of its run as long as that is young; a run of weeks would make a
 * trace that nothing can show, so its later spans begin traces of their own and link to it.
 */
import { type Context, context, ROOT_CONTEXT, type Span, type SpanOptions, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import type { Instrumentation, SpanStart } from '@workflow/core'
import { isWorkflowError, loggableError } from '@workflow/core/adapter'
import type { Settings } from './options.ts'
import { detailsOf, spanShapeOf } from './span-shape.ts'
import { RemoteContext } from './remote-context.ts'
import { isUnsampled, spanContextOf, traceparentOf } from './trace-context.ts'

const scope = '@workflow/opentelemetry'

export class Tracing {
  readonly #tracer: Tracer
  readonly #linkAfterMs: number
  readonly #foreignIds: boolean
  readonly #sampleAgain: boolean

  constructor({ tracerProvider, linkAfterMs, foreignIds, sampleAgain }: Settings) {
    // The global provider stands for whichever is registered, now or later.
    this.#tracer = (tracerProvider ?? trace).getTracer(scope)
    this.#linkAfterMs = linkAfterMs
    this.#foreignIds = foreignIds
    this.#sampleAgain = sampleAgain
  }

  readonly span: NonNullable<Instrumentation['span']> = <T>(
    start: SpanStart,
    work: (traceparent: string | undefined) => Promise<T>,
  ): Promise<T> => {
    const { traceparent } = start
    const isOld = this.#isOld(start)
    if (traceparent !== undefined && !this.#sampleAgain && !isOld && isUnsampled(traceparent))
      return context.with(start.name === 'trigger' ? parentOf(start) : new RemoteContext(traceparent), work, undefined, traceparent)
    const parent = parentOf(start)
    const { name, options } = spanShapeOf(start)
    const span = isOld ? this.#linked(start, name, options) : this.#tracer.startSpan(name, options, parent)
    // Most are not sampled, and need no more than to be passed on.
    const recording = span.isRecording()
    if (recording) span.setAttributes(detailsOf(start.attributes, this.#foreignIds))
    const working = context.with(trace.setSpan(parent, span), work, undefined, traceparentOf(span.spanContext()))
    if (recording) {
      working.then(
        () => span.end(),
        (error: unknown) => failed(span, error),
      )
    }
    return working
  }

  #isOld({ since, traceparent }: SpanStart): boolean {
    return traceparent !== undefined && since !== undefined && Date.now() - since.getTime() > this.#linkAfterMs
  }

  #linked({ traceparent = '' }: SpanStart, name: string, options: SpanOptions): Span {
    return this.#tracer.startSpan(name, { ...options, root: true, links: [{ context: spanContextOf(traceparent) }] }, ROOT_CONTEXT)
  }
}

/**
 * What the span is a child of. A trigger is called by the user's code, whose span is active. Everything else is called
 * from wherever the engine came by: what is active there has nothing to do with it.
 */
function parentOf({ name, traceparent }: SpanStart): Context {
  const around = name === 'trigger' ? context.active() : ROOT_CONTEXT
  return traceparent === undefined ? around : trace.setSpanContext(around, spanContextOf(traceparent))
}

function failed(span: Span, error: unknown): void {
  // As in a log: what a schema quotes of a value is no more to be shown here.
  const shown = loggableError(error)
  const exception = shown instanceof Error ? shown : String(shown)
  span.recordException(exception)
  span.setAttribute('error.type', errorTypeOf(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception instanceof Error ? exception.message : exception })
  span.end()
}

function errorTypeOf(error: unknown): string {
  if (isWorkflowError(error)) return error.code
  return error instanceof Error ? error.name : typeof error
}
