import { expect, test } from 'vitest'
import { observationNames } from './harness/observations.ts'
import { figuresOf } from './harness/small-form.ts'

test('a small form finds what each instrumentation costs', { timeout: 120_000 }, async () => {
  const figures = await figuresOf('observability', '--case', 'memory', '--runs', '20')
  const [off, ...others] = observationNames
  expect(figures.get(`${off}: throughput`)).toBeGreaterThan(0)
  for (const name of others)
    for (const metric of ['throughput lost', 'processor time more'])
      expect([name, metric, figures.get(`${name}: ${metric}`)]).toEqual([name, metric, expect.any(Number)])
})
