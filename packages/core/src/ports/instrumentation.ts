/** What a span is about. */
export type SpanKind = 'trigger' | 'step' | 'callback' | 'timeout' | 'join' | 'hook' | 'connector' | 'publish'
export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A piece of work that is about to be traced. */
export interface SpanStart {
  readonly kind: SpanKind
  /** What the span is called: the process, e.g. `'step created'`, of few values. */
  readonly name: string
  /** `workflow`, `process`, `runId`, `foreignId`, `version`, `attempt`, as far as they are known. Never an object or a payload. */
  readonly attributes: Attributes
  /** W3C trace context that the work belongs to: the run's, or its caller's; absent where nobody traces. */
  readonly traceparent?: string
  /** When what the trace context stands for began: for a run, its creation. */
  readonly since?: Date
}

/** What can be asked of a workflow at work, for whatever is read at intervals instead of being told. */
export interface Observed {
  readonly workflowName: string
  /** What each process is at, by name. */
  readonly states: () => readonly { readonly name: string; readonly state: 'idle' | 'running' | 'shutdown' }[]
  /** How many of the workflow's slots this instance holds, and how many there are. */
  readonly slots: () => { readonly held: number; readonly total: number }
  /** How many events are in hand, of how many at most. */
  readonly inFlight: () => { readonly events: number; readonly limit: number }
  /** How far each receiver of the workflow is behind, over all instances; rejects with `StoreUnavailable`. */
  readonly receivers: () => Promise<readonly { readonly name: string; readonly events: number; readonly oldest?: Date }[]>
  /** How many runs are in each run state; rejects with `StoreUnavailable`. */
  readonly runs: () => Promise<ReadonlyMap<string, number>>
}

/**
 * Where measurements and traces go. `count`, `gauge` and `observe` are called synchronously on hot paths; an error that
 * one throws is logged, never passed on. Labels are frozen, of few values, and the same object whenever they are equal: what
 * an adapter has bound to them it may keep by it.
 */
export interface Instrumentation {
  /**
   * Runs `work` inside a span and returns its result, or rejects with its error. `work` is given the trace context that it
   * should pass on. It is to be called before `span` returns: the engine calls it itself where it was not, does it only once
   * however often it is called, and takes its result from it alone. What goes on inside was called from anywhere: only a
   * `trigger` of that name comes straight from the code of its caller. Absent where nothing is traced: then tracing costs nothing.
   */
  readonly span?: <T>(start: SpanStart, work: (traceparent: string | undefined) => Promise<T>) => Promise<T>
  readonly count: (name: string, n: number, labels: Attributes) => void
  readonly gauge: (name: string, value: number, labels: Attributes) => void
  /** A duration, in seconds. */
  readonly observe: (name: string, seconds: number, labels: Attributes) => void
  /** Called when a workflow starts to run; what it returns is disposed when the workflow has stopped. */
  readonly attach?: (observed: Observed) => Disposable
}
