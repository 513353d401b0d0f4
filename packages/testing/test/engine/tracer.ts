/** An instrumentation that writes down what it is told, and traces the way a tracer does. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Attributes, Instrumentation, Observed, SpanStart } from '@workflow/core'

export interface TracedSpan {
  readonly start: SpanStart
  readonly traceparent: string
  ended: boolean
  error?: unknown
}

export class Tracer implements Instrumentation {
  readonly spans: TracedSpan[] = []
  /** The span around whoever asks. */
  readonly active = new AsyncLocalStorage<TracedSpan>()
  #ids = 0

  readonly count = (): void => undefined
  readonly gauge = (): void => undefined
  readonly observe = (): void => undefined

  readonly span = <T>(start: SpanStart, work: (traceparent: string | undefined) => Promise<T>): Promise<T> => {
    const id = (++this.#ids).toString(16)
    const trace = start.traceparent?.split('-')[1] ?? id.padStart(32, 'f')
    const span: TracedSpan = { start, traceparent: `00-${trace}-${id.padStart(16, '0')}-01`, ended: false }
    this.spans.push(span)
    const end = (): void => {
      span.ended = true
    }
    const working = this.active.run(span, () => work(span.traceparent))
    working.then(end, (error: unknown) => {
      span.error = error
      end()
    })
    return working
  }

  /** The spans of a kind, in the order of their start. */
  of(kind: SpanStart['kind']): readonly TracedSpan[] {
    return this.spans.filter(({ start }) => start.kind === kind)
  }
}

/** One thing that was measured. */
export interface Measurement {
  readonly kind: 'count' | 'gauge' | 'observe'
  readonly name: string
  readonly value: number
  readonly labels: Attributes
}

export class Meter implements Instrumentation {
  readonly measured: Measurement[] = []
  readonly attached: Observed[] = []
  /** How often what was attached has been disposed. */
  detached = 0

  readonly count: Instrumentation['count'] = (name, value, labels) => this.#take('count', name, value, labels)
  readonly gauge: Instrumentation['gauge'] = (name, value, labels) => this.#take('gauge', name, value, labels)
  readonly observe: Instrumentation['observe'] = (name, value, labels) => this.#take('observe', name, value, labels)
  readonly attach = (observed: Observed): Disposable => {
    this.attached.push(observed)
    return {
      [Symbol.dispose]: () => {
        this.detached += 1
      },
    }
  }

  of(name: string): readonly Measurement[] {
    return this.measured.filter((each) => each.name === name)
  }

  /** The sum of a counter per value of some labels, which are joined by spaces. */
  totals(name: string, ...labels: readonly string[]): Record<string, number> {
    const totals: Record<string, number> = {}
    for (const each of this.of(name)) {
      const key = labels.map((label) => String(each.labels[label])).join(' ')
      totals[key] = (totals[key] ?? 0) + each.value
    }
    return totals
  }

  #take(kind: Measurement['kind'], name: string, value: number, labels: Attributes): void {
    this.measured.push({ kind, name, value, labels })
  }
}
