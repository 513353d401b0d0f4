import { expect, test } from 'vitest'
import { askedBy } from './asked.ts'

const known = ['workflow', 'raw-sql', 'dbos']

test('without arguments everybody takes part', () => {
  expect(askedBy([], known)).toEqual({ json: false, peers: known, runs: 5_000, seconds: 10, windows: [100, 1_000] })
})

test('peers, runs, seconds and windows can be chosen', () => {
  const asked = askedBy(['--peers', 'dbos,workflow', '--runs', '1_000', '--seconds', '60', '--windows', '50', '--json'], known)
  expect(asked).toEqual({ json: true, peers: ['dbos', 'workflow'], runs: 1_000, seconds: 60, windows: [50] })
})

test.each([
  ['an unknown peer', ['--peers', 'dbus'], "there is no peer 'dbus': choose of workflow, raw-sql, dbos"],
  ['no runs', ['--runs', '0'], '--runs must be a whole number from 1; got 0'],
  ['half a second', ['--seconds', '0.5'], '--seconds must be a whole number from 1; got 0.5'],
  ['a window without a size', ['--windows', '10,'], '--windows must be a whole number from 1; got '],
])('%s is refused', (_, args, message) => {
  expect(() => askedBy(args, known)).toThrow(message)
})
