import { isWorkflowError } from '@workflow/core/adapter'
import { expect, test } from 'vitest'
import { assertDriverRuns } from './connection.ts'

test('a Node on which the driver would crash is refused by name', () => {
  for (const versions of [{ node: '22.13.0', napi: '9' }, { node: '18.0.0' }]) {
    let thrown: unknown
    try {
      assertDriverRuns(versions)
    } catch (error) {
      thrown = error
    }
    expect(isWorkflowError(thrown, 'Configuration')).toBe(true)
    expect(String(thrown)).toContain(versions.node)
  }
})

test('the Node that this runs on, and newer ones, are let through', () => {
  assertDriverRuns(process.versions)
  assertDriverRuns({ node: '30.0.0', napi: '11' })
})
