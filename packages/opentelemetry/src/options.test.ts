import { expect, test } from 'vitest'
import { opentelemetry } from './index.ts'

test.each([
  [null, /takes an object of options/],
  [{ linkafter: '1h' }, /has no option "linkafter"; it knows tracerProvider, .*linkAfter/],
  [{ linkAfter: '1 fortnight' }, /linkAfter of opentelemetry/],
  [{ linkAfter: true }, /linkAfter of opentelemetry/],
  [{ traces: 'no' }, /traces of opentelemetry must be true or false/],
  [{ tracerProvider: {} }, /the tracerProvider of opentelemetry is none: it lacks getTracer\(\)/],
  [{ meterProvider: 5 }, /the meterProvider of opentelemetry is none: it lacks getMeter\(\)/],
])('options that cannot work are refused: %j', (options, message) => {
  // The cast is what JavaScript does not need.
  expect(() => opentelemetry(options as never)).toThrow(expect.objectContaining({ code: 'Configuration' }))
  expect(() => opentelemetry(options as never)).toThrow(message)
})
