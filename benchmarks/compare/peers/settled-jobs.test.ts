import { expect, test } from 'vitest'
import { SettledJobs } from './settled-jobs.ts'

test('a job is settled by the first statement that carries its id after its handler has ended', () => {
  const settled: number[] = []
  const jobs = new SettledJobs((n) => settled.push(n))
  jobs.succeeded(['a'])
  jobs.ended('a', 1)
  jobs.ended('b', 2)
  jobs.succeeded(['queue', ['c', 'b'], null])
  expect(settled).toEqual([2])
  jobs.succeeded(['a'])
  jobs.succeeded([['a', 'b']])
  expect(settled).toEqual([2, 1])
})
