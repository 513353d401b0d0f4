import type { Attributes, Instrumentation, Observed } from '../ports/instrumentation.ts'

/** Several instrumentations as one: all of them measure, and their spans nest, the first outermost. What one throws is not caught here. */
export function fanOut(instrumentations: readonly Instrumentation[]): Instrumentation {
  const [first, ...others] = instrumentations
  if (first !== undefined && others.length === 0) return first
  const measure =
    (kind: 'count' | 'gauge' | 'observe'): Instrumentation['count'] =>
    (name: string, value: number, labels: Attributes): void => {
      for (const each of instrumentations) each[kind](name, value, labels)
    }
  const span = instrumentations.flatMap((each) => (each.span === undefined ? [] : [each.span.bind(each)])).reduceRight(nested, undefined)
  const attach = instrumentations.flatMap((each) => (each.attach === undefined ? [] : [each.attach.bind(each)]))
  return {
    count: measure('count'),
    gauge: measure('gauge'),
    observe: measure('observe'),
    ...(span === undefined ? undefined : { span }),
    ...(attach.length === 0 ? undefined : { attach: (observed: Observed) => together(attach.map((each) => each(observed))) }),
  }
}

type Span = NonNullable<Instrumentation['span']>

/** What is inside is a part of what is outside, however old the run is. */
function nested(inner: Span | undefined, outer: Span): Span {
  if (inner === undefined) return outer
  return (start, work) =>
    outer(start, (traceparent) => {
      if (traceparent === undefined) return inner(start, work)
      const { since: _age, ...rest } = start
      return inner({ ...rest, traceparent }, work)
    })
}

function together(attached: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]: () => {
      for (const each of attached) each[Symbol.dispose]()
    },
  }
}
