import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyEntry, anyRun } from '../../test/any-log.ts'
import { readXes } from '../../test/xes-reading.ts'
import { legalText } from './legal-text.ts'
import { escaped, xesFormat, xmlName } from './xes-format.ts'

describe('a value', () => {
  test.each([
    ['<a href="x">&amp;</a>', '&lt;a href=&quot;x&quot;&gt;&amp;amp;&lt;/a&gt;'],
    ["it's", "it's"],
    ['tab\tline\nreturn\r', 'tab&#9;line&#10;return&#13;'],
    ['\0\u0001\u001B\u007F\uFFFE\uFFFF', '\uFFFD\uFFFD\uFFFD\u007F\uFFFD\uFFFD'],
    ['\uD800 and \uDC00', '\uFFFD and \uFFFD'],
    ['😀 ü', '😀 ü'],
    [']]>', ']]&gt;'],
  ])('%j is written %j', (text, expected) => {
    expect(escaped(text)).toBe(expected)
  })
})

describe('the name of a key', () => {
  test.each([
    ['region', 'region'],
    ['a b', 'a_x0020_b'],
    ['a:b', 'a_x003A_b'],
    ['_x0020_', '_x005F_x0020_'],
    ['größe', 'größe'],
    ['😀', '_x1F600_'],
    ['', ''],
  ])('%j is %j', (name, expected) => {
    expect(xmlName(name)).toBe(expected)
  })

  test('differs where names differ', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        (a, b) => (xmlName(a) === xmlName(b)) === (legalText(a) === legalText(b)),
      ),
    )
  })
})

test('any log is well-formed, fits the schema, and says what it was given', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), anyRun, fc.array(anyEntry), fc.boolean(), (name, run, entries, objects) => {
      const format = xesFormat(name, objects)
      const text = format.run(run)
      const log = readXes([format.head, text.open, ...entries.map((entry) => text.entry(entry)), text.close, format.tail].join(''))
      expect(log.extensions).toEqual(['concept', 'time', 'lifecycle', 'org'])
      expect(log.attributes.get('concept:name')?.value).toBe(legalText(name))
      const [trace] = log.traces
      expect(trace?.attributes.get('foreign_id')).toEqual({ type: 'string', value: legalText(run.foreignId) })
      for (const [key, value] of Object.entries(run.metadata))
        expect(trace?.attributes.get(`metadata.${xmlName(key)}`)?.value).toBe(legalText(value))
      expect(trace?.events).toHaveLength(entries.length)
      for (const [i, { entry, object }] of entries.entries()) {
        const event = trace?.events[i]
        expect(event?.get('time:timestamp')).toEqual({ type: 'date', value: entry.at.toISOString() })
        expect(event?.get('version')).toEqual({ type: 'int', value: String(entry.version) })
        expect(event?.get('to')?.value).toBe(legalText(entry.to))
        expect(event?.get('reason')?.value).toBe(entry.reason === undefined ? undefined : legalText(entry.reason))
        expect(event?.get('object')?.value).toBe(objects && object !== undefined ? legalText(object) : undefined)
      }
    }),
  )
})

test('a log without runs is one', () => {
  const { head, tail } = xesFormat('orders', false)
  expect(readXes(head + tail)).toMatchObject({ traces: [], classifiers: expect.any(Map) })
})
