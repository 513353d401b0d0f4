import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { supportsNode } from './node-version.ts'

test('what package.json asks for is supported, and nothing older', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { engines: { node: string } }
  expect(engines.node).toBe('>=22.14')
  expect(['22.14.0', '22.23.3', '24.0.0', '100.1.0'].map(supportsNode)).toEqual([true, true, true, true])
  expect(['22.13.9', '20.20.2', '8.0.0', 'nonsense'].map(supportsNode)).toEqual([false, false, false, false])
})
