/** RFC 4180, one row per entry. A text that a spreadsheet would take for a formula has a `'` in front. */
import { caseId, entryFields, type Field, type FieldValue, runFields } from './fields.ts'
import type { Format } from './format.ts'
import { isPlain, legalText } from './legal-text.ts'

const lineEnd = '\r\n'

/** What begins a formula, also after blanks and in the full-width forms that some spreadsheets take; and the `'` itself, so that taking one away restores every text. */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^['\t\r\n]/u

/** What must be quoted for RFC 4180, and what some readers trim or take for a separator. */
const special = /[",;\t\r\n]|^\s|\s$/u

export function csvFormat(objects: boolean): Format {
  const fields = entryFields(objects)
  const columns = [caseId, ...fields, ...runFields].map(({ column }) => column)
  return {
    contentType: 'text/csv; charset=utf-8; header=present',
    head: `${[...columns, 'metadata'].join(',')}${lineEnd}`,
    run: (run) => {
      const first = cellOf(caseId, run)
      const last = [...runFields.map((field) => cellOf(field, run)), cell(JSON.stringify(run.metadata))].join(',')
      return {
        open: '',
        entry: (entry) => `${first},${fields.map((field) => cellOf(field, entry)).join(',')},${last}${lineEnd}`,
        close: '',
      }
    },
    tail: '',
  }
}

function cellOf<T>(field: Field<T>, value: T): string {
  return cell(field.of(value))
}

/** A value as a cell. Numbers and dates are what they are; texts are guarded. */
export function cell(value: FieldValue): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(Math.round(value))
  if (value instanceof Date) return value.toISOString()
  if (isPlain(value)) return value
  const legal = legalText(value)
  const text = formula.test(legal) ? `'${legal}` : legal
  return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
