import { describe, expect, test } from 'vitest'
import { postgresBinaries } from '../scripts/services/postgres-binaries.ts'
import { figuresOf } from './harness/small-form.ts'

describe.skipIf(postgresBinaries().length === 0)('a small form of the cases finds its figures:', { timeout: 120_000 }, () => {
  test.each(['api-sqlite', 'api-postgres'])('%s, whose requests find the runs that were filled in', async (name) => {
    const figures = await figuresOf('webui', '--case', name, '--runs', '400')
    for (const kind of ['dashboard', 'runs unfiltered', 'runs foreign id', 'run history', 'run, all at once', 'workflow', 'analytics'])
      for (const metric of ['first', 'p50', 'p95', 'max'])
        expect([kind, metric, figures.get(`${kind}, ${metric}`)]).toEqual([kind, metric, expect.toSatisfy((value: number) => value > 0)])
  })

  test('live, whose viewers see every change', async () => {
    const figures = await figuresOf('webui', '--case', 'live', '--seconds', '1')
    for (const way of ['served by another process', 'served by its own process']) {
      expect(figures.get(`${way}: paced, kept`)).toBeGreaterThan(0)
      expect(figures.get(`${way}: paced, changes sent`)).toBeGreaterThan(20)
      expect(figures.get(`${way}: paced, answers asked for`)).toBeGreaterThan(0)
    }
  })
})
