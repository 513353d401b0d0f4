import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCsv, rowsOf, unguarded } from '../../test/csv-reading.ts'
import { anyEntry, anyRun } from '../../test/any-log.ts'
import { cell, csvFormat } from './csv-format.ts'
import { legalText } from './legal-text.ts'

/** What a reader finds in the only cell of a row. */
function read(text: string): string {
  return readCsv(`${cell(text)},\r\n`)[0]?.[0] ?? ''
}

describe('a cell', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    ['a,b', '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    [' padded ', '" padded "'],
    ['a;b', '"a;b"'],
    ['=1+1', "'=1+1"],
    ['+49 30', "'+49 30"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', '"\'\t=1"'],
    ['  =1', "'  =1"],
    ['＝1＋1', "'＝1＋1"],
    ['\r=1', '"\'\r=1"'],
    ["'quoted'", "''quoted'"],
    ['a=1', 'a=1'],
    ['nul\0, half \uD800', '"nul\uFFFD, half \uFFFD"'],
  ])('of %j is %j', (text, expected) => {
    expect(cell(text)).toBe(expected)
  })

  test('of a number or a date is bare', () => {
    expect([cell(-1.4), cell(new Date(0)), cell(undefined)]).toEqual(['-1', '1970-01-01T00:00:00.000Z', ''])
  })

  test('holds any text that can be written, and none is a formula', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const found = read(text)
        expect(unguarded(found)).toBe(legalText(text))
        expect(found).not.toMatch(/^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/)
        expect(found.isWellFormed()).toBe(true)
      }),
    )
  })

  test('differs where texts differ', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => (cell(a) === cell(b)) === (legalText(a) === legalText(b))))
  })
})

test('the header is the documented one, to which columns are added at the end of a part only', () => {
  const moves =
    'activity,timestamp,lifecycle,resource,started_at,version,from,to,by,state,states,attempt,duration_ms,instance,actor,reason,error,error_code'
  const run = 'workflow,foreign_id,case_status,case_state,case_created_at,case_finished_at,metadata'
  expect(csvFormat(false).head).toBe(`case_id,${moves},${run}\r\n`)
  expect(csvFormat(true).head).toBe(`case_id,${moves},object,object_problem,${run}\r\n`)
})

test('any log is rows of equally many columns, under their header', () => {
  fc.assert(
    fc.property(anyRun, fc.array(anyEntry), fc.boolean(), (run, entries, objects) => {
      const format = csvFormat(objects)
      const text = format.run(run)
      const rows = rowsOf([format.head, text.open, ...entries.map((entry) => text.entry(entry)), text.close, format.tail].join(''))
      expect(rows).toHaveLength(entries.length)
      for (const [i, { entry, object }] of entries.entries()) {
        const row = rows[i]!
        expect(unguarded(row['reason'] ?? '')).toBe(legalText(entry.reason ?? ''))
        expect(unguarded(row['resource'] ?? '')).toBe(legalText(entry.actor ?? entry.instance))
        expect(row['timestamp']).toBe(entry.at.toISOString())
        expect(row['version']).toBe(String(entry.version))
        expect(row['object']).toBe(objects ? cellOf(object) : undefined)
        expect(JSON.parse(row['metadata'] ?? '')).toEqual(JSON.parse(legalText(JSON.stringify(run.metadata))))
      }
    }),
  )
})

function cellOf(text = ''): string {
  return readCsv(`${cell(text)},\r\n`)[0]?.[0] ?? ''
}
