/** XES as IEEE 1849-2016 has it: one trace per run, one event per entry, in the element order of its schema. */
import { caseId, entryFields, type Field, type FieldValue, runFields } from './fields.ts'
import type { ExportedRun } from './exported-run.ts'
import type { Format } from './format.ts'
import { isPlain, legalText } from './legal-text.ts'

/** The standard's own; attributes of ours have no prefix, as those that no extension defines. */
const extensions = [
  ['Concept', 'concept'],
  ['Time', 'time'],
  ['Lifecycle', 'lifecycle'],
  ['Organizational', 'org'],
] as const

/** By what events are alike. Their keys are declared as global. */
const classifiers = [
  ['Activity', 'concept:name'],
  ['Status', 'to'],
  ['ActivityAndStatus', 'concept:name to'],
  ['Resource', 'org:resource'],
] as const

/** What a global declares must have a value; every run and entry overrides it. */
const placeholders = { string: '', date: new Date(0), int: 0 } as const

export function xesFormat(workflowName: string, objects: boolean): Format {
  const fields = entryFields(objects)
  return {
    contentType: 'application/xml; charset=utf-8',
    head: headOf(workflowName, objects),
    run: (run) => ({
      open: `\t<trace>\n${attributes([caseId, ...runFields], run, '\t\t')}${metadataOf(run)}`,
      entry: (entry) => `\t\t<event>\n${attributes(fields, entry, '\t\t\t')}\t\t</event>\n`,
      close: '\t</trace>\n',
    }),
    tail: '</log>\n',
  }
}

function headOf(workflowName: string, objects: boolean): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">',
    ...extensions.map(
      ([name, prefix]) => `\t<extension name="${name}" prefix="${prefix}" uri="http://www.xes-standard.org/${prefix}.xesext"/>`,
    ),
    `\t<global scope="trace">\n${globals([caseId, ...runFields])}\t</global>`,
    `\t<global scope="event">\n${globals(entryFields(objects))}\t</global>`,
    ...classifiers.map(([name, keys]) => `\t<classifier name="${name}" scope="event" keys="${keys}"/>`),
    `\t${attribute('string', 'concept:name', workflowName)}`,
    `\t${attribute('string', 'lifecycle:model', 'standard')}`,
    '',
  ].join('\n')
}

function globals<T>(fields: readonly Field<T>[]): string {
  return fields
    .filter(({ always }) => always)
    .map(({ type, key }) => `\t\t${attribute(type, key, placeholders[type])}\n`)
    .join('')
}

function attributes<T>(fields: readonly Field<T>[], value: T, indent: string): string {
  let text = ''
  for (const { type, key, of } of fields) {
    const one = of(value)
    if (one !== undefined) text += `${indent}${attribute(type, key, one)}\n`
  }
  return text
}

/** One attribute for each pair, so that tools can filter by it. */
function metadataOf({ metadata }: ExportedRun): string {
  return Object.entries(metadata)
    .map(([name, value]) => `\t\t${attribute('string', `metadata.${xmlName(name)}`, value)}\n`)
    .join('')
}

function attribute(type: Field<never>['type'], key: string, value: Exclude<FieldValue, undefined>): string {
  const text = typeof value === 'number' ? String(Math.round(value)) : value instanceof Date ? value.toISOString() : escaped(value)
  return `<${type} key="${key}" value="${text}"/>`
}

const references: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** A text as the value of an attribute: what a parser would turn into blanks is written as a reference. */
export function escaped(text: string): string {
  if (isPlain(text)) return text
  return legalText(text).replace(/[&<>"\t\n\r]/g, (character) => references[character] ?? character)
}

/** A text within an XML name: a character that no name may have is `_x`, its code point in hexadecimal, `_`; so is a `_` before an `x`. */
export function xmlName(text: string): string {
  return legalText(text).replace(
    /_(?=x)|[^A-Za-z0-9._\-\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u00FF]/gu,
    (character) => `_x${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}_`,
  )
}
