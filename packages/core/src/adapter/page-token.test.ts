import { describe, expect, test } from 'vitest'
import { isWorkflowError } from '../errors.ts'
import { assertPageLimit, decodePageToken, encodePageToken } from './page-token.ts'

const refused = (error: unknown): boolean => isWorkflowError(error, 'InvalidArgument')

describe('page tokens', () => {
  test('give back the key that went in, with its types', () => {
    const key = [12n, -3.5, 'naïve "ö" 🐌', ''] as const
    const token = encodePageToken('runs', key)
    expect(decodePageToken('runs', token, ['bigint', 'number', 'string', 'string'])).toEqual(key)
    expect(token).toMatch(/^[\w-]+$/)
  })

  test('are absent for the first page', () => {
    expect(decodePageToken('runs', undefined, ['bigint'])).toBeUndefined()
  })

  test('of another listing, of another shape, cut off or made up are refused', () => {
    const token = encodePageToken('runs', [12n])
    const strangers = [
      '',
      'x',
      '12',
      token.slice(0, -1),
      `${token}=`,
      `${token} `,
      token.replace(/.$/, '!'),
      encodePageToken('runs', [12]),
      encodePageToken('runs', [12n, 1n]),
      encodePageToken('items', [12n]),
    ]
    for (const stranger of strangers) {
      expect(() => decodePageToken('runs', stranger, ['bigint']), stranger).toThrow(expect.toSatisfy(refused))
    }
  })

  test('refuse another spelling of the same key', () => {
    const spelt = Buffer.from(JSON.stringify(['runs', 'b012'])).toString('base64url')
    expect(() => decodePageToken('runs', spelt, ['bigint'])).toThrow(expect.toSatisfy(refused))
  })
})

describe('page limits', () => {
  test('are whole numbers from 1 to 1,000', () => {
    for (const limit of [1, 1_000]) assertPageLimit({ limit })
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) expect(() => assertPageLimit({ limit })).toThrow(expect.toSatisfy(refused))
  })
})
