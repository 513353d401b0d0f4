import { expect, test } from 'vitest'
import { KnownSeqs } from './known-seqs.ts'

test('it knows the latest runs, and never many more', () => {
  const seqs = new KnownSeqs()
  for (let i = 0; i < 100_000; i++) seqs.set(`run ${i}`, i)
  expect([seqs.get('run 99999'), seqs.get(`run ${100_000 - 16_384}`), seqs.get('run 0')]).toEqual([99_999, 83_616, undefined])
  let known = 0
  for (let i = 0; i < 100_000; i++) if (seqs.get(`run ${i}`) !== undefined) known++
  expect(known).toBeLessThanOrEqual(2 * 16_384)
})
