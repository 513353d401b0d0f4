/**
 * A strict reader of the little XML that an event log needs. It refuses whatever XML 1.0 or the element order, names and types
 * of the schema of IEEE 1849-2016 do not allow, so that what it reads is well-formed and fits.
 */

/** An attribute of a log, with its value as text. */
export interface ReadAttribute {
  readonly type: string
  readonly value: string
}

/** Attributes by key, in their order. */
export type ReadAttributes = ReadonlyMap<string, ReadAttribute>

export interface ReadLog {
  readonly extensions: readonly string[]
  readonly globals: { readonly trace: ReadAttributes; readonly event: ReadAttributes }
  readonly classifiers: ReadonlyMap<string, readonly string[]>
  readonly attributes: ReadAttributes
  readonly traces: readonly { readonly attributes: ReadAttributes; readonly events: readonly ReadAttributes[] }[]
}

interface Element {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: Element[]
}

const character = '[\\t\\n\\r\\u0020-\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]'
const legal = new RegExp(`^${character}*$`, 'u')
/** Names as every edition of XML knows them, as far as logs use them. */
const xmlName = /^[A-Za-z_:\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u00FF][A-Za-z0-9._:\-\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u00FF]*$/
const simpleName = /^[A-Za-z_][A-Za-z0-9._-]*$/
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
const entities: { readonly [name: string]: string } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const values: { readonly [type: string]: RegExp } = {
  string: /^/,
  date: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  int: /^-?\d+$/,
}

export function readXes(text: string): ReadLog {
  if (!text.startsWith(declaration)) throw new Error('the declaration is missing')
  if (!legal.test(text)) throw new Error('a character that XML does not have')
  return logOf(elementsOf(text.slice(declaration.length)))
}

function elementsOf(text: string): Element {
  const open: Element[] = [{ name: '', attributes: new Map(), children: [] }]
  const tags = /<(\/?)([^\s/>"]+)((?:\s+[^\s=]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  let end = 0
  for (const [whole, closing = '', name = '', given = '', empty = '', between] of text.matchAll(tags)) {
    end += whole.length
    const parent = open.at(-1)!
    if (between !== undefined) {
      if (between.trim() !== '') throw new Error(`text outside of attributes: ${between}`)
    } else if (closing !== '') {
      if (parent.name !== name || open.length === 1) throw new Error(`</${name}> closes <${parent.name}>`)
      open.pop()
    } else {
      const element = { name, attributes: attributesOf(given), children: [] }
      parent.children.push(element)
      if (empty === '') open.push(element)
    }
  }
  const [root, ...more] = open[0]!.children
  if (end !== text.length || open.length !== 1 || root === undefined || more.length > 0)
    throw new Error(`not well-formed: ${text.slice(end, end + 60)}`)
  return root
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [, name = '', raw = ''] of text.matchAll(/([^\s=]+)="([^"]*)"/g)) {
    if (found.has(name)) throw new Error(`${name} is there twice`)
    // A parser makes a blank of each of these.
    const value = raw.replace(/[\t\n\r]/g, ' ').replace(/&(?:#(\d+)|(\w+));?|&/g, (reference, code?: string, entity = '') => {
      const character = code === undefined ? entities[entity] : String.fromCodePoint(Number(code))
      if (character === undefined || !reference.endsWith(';')) throw new Error(`no reference: ${reference}`)
      return character
    })
    found.set(name, value)
  }
  return found
}

function logOf(root: Element): ReadLog {
  if (root.name !== 'log' || root.attributes.get('xmlns') !== 'http://www.xes-standard.org/') throw new Error('no log')
  if (!/^\d+\.\d+$/.test(root.attributes.get('xes.version') ?? '')) throw new Error('xes.version is a decimal number')
  const rank = (name: string): number => ['extension', 'global', 'classifier', 'string', 'trace'].indexOf(name)
  assertOrder(root, rank)
  const of = (name: string): readonly Element[] => root.children.filter((child) => child.name === name)
  const global = (scope: string): ReadAttributes => {
    const element = of('global').find(({ attributes }) => attributes.get('scope') === scope)
    return dataOf(element?.children ?? [])
  }
  const globals = { trace: global('trace'), event: global('event') }
  const classifiers = new Map(
    of('classifier').map(({ attributes }) => [attributes.get('name') ?? '', attributes.get('keys')?.split(' ') ?? []]),
  )
  for (const [name, keys] of classifiers)
    if (!simpleName.test(name) || !keys.every((key) => globals.event.has(key)))
      throw new Error(`classifier ${name} has keys that are not global`)
  const traces = of('trace').map((trace) => {
    assertOrder(trace, (name) => (name === 'event' ? 1 : 0))
    const attributes = dataOf(trace.children.filter(({ name }) => name !== 'event'))
    const events = trace.children.filter(({ name }) => name === 'event').map(({ children }) => dataOf(children))
    assertHas(attributes, globals.trace)
    for (const event of events) assertHas(event, globals.event)
    return { attributes, events }
  })
  return {
    extensions: of('extension').map(({ attributes }) => attributes.get('prefix') ?? ''),
    globals,
    classifiers,
    attributes: dataOf(of('string')),
    traces,
  }
}

function assertOrder({ name, children }: Element, rank: (name: string) => number): void {
  const ranks = children.map((child) => rank(child.name))
  if (ranks.some((each, i) => each < 0 || each < (ranks[i - 1] ?? 0))) throw new Error(`the elements of <${name}> are not in order`)
}

function assertHas(attributes: ReadAttributes, globals: ReadAttributes): void {
  for (const [key, { type }] of globals) if (attributes.get(key)?.type !== type) throw new Error(`'${key}' is global and not there`)
}

function dataOf(elements: readonly Element[]): ReadAttributes {
  const data = new Map<string, ReadAttribute>()
  for (const { name: type, attributes, children } of elements) {
    const [key = '', value = ''] = [attributes.get('key'), attributes.get('value')]
    const fits = [...attributes.keys()].join() === 'key,value' && children.length === 0 && xmlName.test(key) && values[type]?.test(value)
    if (fits !== true || data.has(key)) throw new Error(`no attribute of a log: ${type} '${key}' = '${value}'`)
    // A key with a prefix is one of an extension.
    if (key.includes(':') && !['concept', 'time', 'lifecycle', 'org'].includes(key.split(':')[0] ?? ''))
      throw new Error(`no extension for ${key}`)
    data.set(key, { type, value })
  }
  return data
}
