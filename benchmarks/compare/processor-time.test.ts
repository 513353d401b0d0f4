import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { familyCpuMs, parentOf, processStat } from './processor-time.ts'

const line = '42 (postgres: io (w) ) S 7 42 42 0 -1 4194560 100 200 3 4 150 50 20 10 20 0 1 0 5 6 7'

test('the name of a process may hold spaces and parentheses', () => {
  expect(processStat(line)).toEqual({ parent: 7, name: 'postgres: io (w) ', cpuMs: 2_000, endedChildrenCpuMs: 300 })
})

test('what is no line of a process is refused', () => {
  expect(() => processStat('nothing')).toThrow('not a process: nothing')
})

test.skipIf(!existsSync('/proc/self/stat'))('this process has a parent and has used the processor', () => {
  expect(parentOf(process.pid, 'no such name')).toBeUndefined()
  expect(familyCpuMs(process.pid)).toBeGreaterThan(0)
})
