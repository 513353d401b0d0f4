import { expect, it } from 'vitest'
import { errorFaults, optionFaults, optionsOf } from './documented.ts'

const errors = "export const errorCodes = {\n  Configuration: 'x',\n  Stopped: 'y',\n} as const\n"

it('codes and page must name the same errors', () => {
  expect(errorFaults(errors, '## Errors\n| Code | x |\n| `Configuration` | x |\n### `Stopped`\n')).toEqual([])
  expect(errorFaults(errors, '| `Configuration` | x |\n## `Gone`\n')).toEqual([
    'docs/errors.md does not explain Stopped',
    'docs/errors.md explains Gone, which the code does not have',
  ])
})

const options = `
export interface StepOptions extends ProcessOptions {
  /**
   * How many.
   * @default 1
   */
  readonly parallelCount?: number
  readonly required: string
}
export interface OutboxOptions {
  /** @default '250ms' */
  readonly pollingFrequency?: Duration
}
`

it('options are read with their defaults', () => {
  expect(optionsOf(options)).toEqual([
    { name: 'parallelCount', standard: '1' },
    { name: 'outbox.pollingFrequency', standard: "'250ms'" },
  ])
})

it('every option has a row that shows its default', () => {
  const all = optionsOf(options)
  expect(optionFaults(all, "| `parallelCount` | 1 | x |\n| `outbox.pollingFrequency` | `'250ms'` | x |")).toEqual([])
  expect(optionFaults(all, '| `parallelCount` | 2 | x |')).toEqual([
    'docs/configuration.md: the row of parallelCount does not show its default, 1',
    'docs/configuration.md has no row for outbox.pollingFrequency',
  ])
})
