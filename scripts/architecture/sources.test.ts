import { expect, it } from 'vitest'
import { dateFaults, shapeFaults, wordFaults } from './sources.ts'

const file = (path: string, text = ''): { path: string; text: string } => ({ path, text })

it('paths of one machine, registries and unfinished work are found', () => {
  const text = [
    'see /ho' + 'me/me/x',
    'ht' + 'tps://registry.npm' + 'js.org/a',
    '// TO' + 'DO later',
    'fine /var/lib/orders.db and ./work/x',
  ].join('\n')
  expect(wordFaults(file('a.md', text)).map((fault) => fault.slice(0, 12))).toEqual(['a.md: line 1', 'a.md: line 2', 'a.md: line 3'])
})

it('a module has a kebab-case name that says what it holds, and at most 400 lines', () => {
  expect(shapeFaults(file('packages/core/src/engine/run-task.test.ts', 'x\n'.repeat(400)))).toEqual([])
  expect(shapeFaults(file('packages/core/src/runTask.ts'))).toHaveLength(1)
  expect(shapeFaults(file('packages/core/src/utils.ts'))).toHaveLength(1)
  expect(shapeFaults(file('packages/core/src/helpers/a.ts'))).toHaveLength(1)
  expect(shapeFaults(file('packages/core/src/a.ts', 'x\n'.repeat(401)))).toHaveLength(1)
})

it('core makes dates from given times only', () => {
  const path = 'packages/core/src/engine/a.ts'
  expect(dateFaults(file(path, 'new Date(clock.now())\n// not new Date()\nisDate()'))).toEqual([])
  expect(dateFaults(file(path, 'const at = new Date()'))).toHaveLength(1)
  expect(dateFaults(file('packages/core/src/system/clock.ts', 'new Date()'))).toEqual([])
})
