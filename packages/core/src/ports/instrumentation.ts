/** What a span is about. */
export type SpanKind = 'trigger' | 'step' | 'callback' | 'timeout' | 'join' | 'hook' | 'connector' | 'publish' | 'store'
export type Attributes = Readonly<Record<string, string | number | boolean>>

/** Where measurements and traces go. Called synchronously on hot paths; an error that it throws is logged, never passed on. */
export interface Instrumentation {
  /** Runs `work` inside a span and returns its result. `work` is given the traceparent that it should pass on. */
  readonly span: <T>(
    kind: SpanKind,
    attributes: Attributes,
    links: readonly string[],
    work: (traceparent: string | undefined) => Promise<T>,
  ) => Promise<T>
  readonly count: (name: string, n: number, labels: Attributes) => void
  readonly gauge: (name: string, value: number, labels: Attributes) => void
  /** A duration, in seconds. */
  readonly observe: (name: string, seconds: number, labels: Attributes) => void
}
