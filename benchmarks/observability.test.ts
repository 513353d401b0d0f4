import { expect, test } from 'vitest'
import { observationNames, tracingPartNames } from './harness/observations.ts'
import { figuresOf } from './harness/small-form.ts'

test.each([
  ['each instrumentation', 'memory', observationNames],
  ['each part of tracing', 'tracing-parts', tracingPartNames],
] as const)('a small form finds what %s costs', { timeout: 120_000 }, async (_what, name, names) => {
  const figures = await figuresOf('observability', '--case', name, '--runs', '20')
  const [off, ...others] = names
  expect(figures.get(`${off}: throughput`)).toBeGreaterThan(0)
  for (const name of others)
    for (const metric of ['throughput lost', 'processor time more'])
      expect([name, metric, figures.get(`${name}: ${metric}`)]).toEqual([name, metric, expect.any(Number)])
})
