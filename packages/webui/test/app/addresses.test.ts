/** What stands in the browser's address bar: pages and filters. */
import { describe, expect, test } from 'vitest'
import { type PageRoute, pathOf, routeOf } from '../../app/data/route-path.ts'
import { filterOf, metadataOf, metadataText, type RunQuery, runParameters, runQueryOf } from '../../app/data/run-query.ts'

describe('routeOf', () => {
  test.each<PageRoute>([
    { page: 'dashboard' },
    { page: 'runs', workflow: 'orders' },
    { page: 'run', workflow: 'or/ders?', runId: '<b>ü' },
    { page: 'workflow', workflow: 'runs' },
    { page: 'analytics', workflow: '%' },
  ])('reads what pathOf writes: $page', (route) => {
    expect(routeOf(pathOf(route))).toEqual(route)
  })

  test.each(['runs', 'runs/a/b/c', 'workflows/a/b', 'nothing', 'runs/%zz'])('knows no page at %s', (path) => {
    expect(routeOf(path)).toEqual({ page: 'unknown', path })
  })
})

describe('runQueryOf', () => {
  const query: RunQuery = {
    status: ['paid', 'a&b'],
    state: ['Paused', 'Running'],
    foreignId: 'order 1',
    metadata: { city: 'Bonn', 'a=b': 'c&d' },
    createdAfter: '2026-01-01',
    order: 'oldest',
  }

  test('reads what runParameters writes', () => {
    expect(runQueryOf(new URLSearchParams(runParameters(query).toString()))).toEqual(query)
    expect(runParameters({}).toString()).toBe('')
  })

  test('leaves out what it does not know, and what is empty', () => {
    const parameters = new URLSearchParams('state=Gone&state=Paused&status=&foreignId=+&metadata.=x&order=up&colour=red')
    expect(runQueryOf(parameters)).toEqual({ state: ['Paused'] })
  })

  test('gives a bulk action the filter without the order', () => {
    expect(filterOf({ state: ['Paused'], order: 'oldest' })).toEqual({ state: ['Paused'] })
  })

  test('writes equal filters as equal texts', () => {
    const one = runParameters({ metadata: { b: '1', a: '2' } })
    expect(one.toString()).toBe(runParameters({ metadata: { a: '2', b: '1' } }).toString())
  })
})

describe('metadataOf', () => {
  test('reads what metadataText writes', () => {
    const metadata = { city: 'Bonn', 'full name': 'Ann "A" B', a: 'c=d' }
    expect(metadataOf(metadataText(metadata))).toEqual(metadata)
  })

  test('leaves out what is no pair', () => {
    expect(metadataOf('city=Bonn street = x= "broken')).toEqual({ city: 'Bonn' })
    expect(metadataOf('  ')).toBeUndefined()
    expect(metadataText(undefined)).toBe('')
  })
})
