import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { spanContextOf } from './trace-context.ts'

/**
 * The context of a span elsewhere, made only when somebody asks for something of it. Most handlers of runs that are not
 * sampled never do, and making it costs more than they take.
 */
export class RemoteContext implements Context {
  readonly #traceparent: string
  #made: Context | undefined

  constructor(traceparent: string) {
    this.#traceparent = traceparent
  }

  getValue(key: symbol): unknown {
    return this.#context().getValue(key)
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#context().setValue(key, value)
  }

  deleteValue(key: symbol): Context {
    return this.#context().deleteValue(key)
  }

  #context(): Context {
    this.#made ??= trace.setSpanContext(ROOT_CONTEXT, spanContextOf(this.#traceparent))
    return this.#made
  }
}
