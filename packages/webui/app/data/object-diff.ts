/** How two JSON values differ, as the lines of one text. */

export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added'
  /** How deep it is indented. */
  readonly depth: number
  readonly text: string
}

/** Lines beyond this are not made: nobody reads them, and a page would stand still. */
const linesMax = 5_000

interface Lines {
  readonly out: DiffLine[]
}

/** Lines of `after`, with those of `before` that are gone. Keys in the order of `after`, removed ones last. */
export function objectDiff(before: unknown, after: unknown): readonly DiffLine[] {
  const lines: Lines = { out: [] }
  compare(before, after, '', '', 0, lines)
  return cut(lines.out)
}

/** Lines of one value. */
export function objectLines(value: unknown): readonly DiffLine[] {
  const lines: Lines = { out: [] }
  write('same', value, '', '', 0, lines)
  return cut(lines.out)
}

function cut(lines: readonly DiffLine[]): readonly DiffLine[] {
  return lines.length <= linesMax ? lines : [...lines.slice(0, linesMax), { kind: 'same', depth: 0, text: '… more lines than are shown' }]
}

function compare(before: unknown, after: unknown, name: string, comma: string, depth: number, lines: Lines): void {
  if (lines.out.length > linesMax) return
  if (isList(before) && isList(after)) return bracketed('[', ']', listChildren(before, after), name, comma, depth, lines)
  if (isObject(before) && isObject(after)) return bracketed('{', '}', objectChildren(before, after), name, comma, depth, lines)
  if (same(before, after)) return write('same', after, name, comma, depth, lines)
  write('removed', before, name, comma, depth, lines)
  write('added', after, name, comma, depth, lines)
}

type Child = (comma: string, lines: Lines, depth: number) => void

function bracketed(
  open: string,
  close: string,
  children: readonly Child[],
  name: string,
  comma: string,
  depth: number,
  lines: Lines,
): void {
  if (children.length === 0) return void lines.out.push({ kind: 'same', depth, text: `${name}${open}${close}${comma}` })
  lines.out.push({ kind: 'same', depth, text: `${name}${open}` })
  for (const [i, child] of children.entries()) child(i === children.length - 1 ? '' : ',', lines, depth + 1)
  lines.out.push({ kind: 'same', depth, text: `${close}${comma}` })
}

/** What both begin and end with stands still: an item put in front changes one line, and not all. */
function listChildren(before: readonly unknown[], after: readonly unknown[]): readonly Child[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && same(before[head], after[head])) head++
  let tail = 0
  while (tail < shorter - head && same(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++
  const [gone, come] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)]
  const middle = Array.from({ length: Math.max(gone.length, come.length) }, (_, i): Child => {
    if (i >= gone.length) return writing('added', come[i], '')
    if (i >= come.length) return writing('removed', gone[i], '')
    return comparing(gone[i], come[i], '')
  })
  const still = (values: readonly unknown[]): readonly Child[] => values.map((value) => writing('same', value, ''))
  return [...still(after.slice(0, head)), ...middle, ...still(after.slice(after.length - tail))]
}

function objectChildren(before: JsonObject, after: JsonObject): readonly Child[] {
  const known = Object.keys(after).map((key): Child => {
    const name = `${JSON.stringify(key)}: `
    return Object.hasOwn(before, key) ? comparing(before[key], after[key], name) : writing('added', after[key], name)
  })
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return [...known, ...gone.map((key) => writing('removed', before[key], `${JSON.stringify(key)}: `))]
}

function comparing(before: unknown, after: unknown, name: string): Child {
  return (comma, lines, depth) => compare(before, after, name, comma, depth, lines)
}

function writing(kind: DiffLine['kind'], value: unknown, name: string): Child {
  return (comma, lines, depth) => write(kind, value, name, comma, depth, lines)
}

function write(kind: DiffLine['kind'], value: unknown, name: string, comma: string, depth: number, { out }: Lines): void {
  const texts = (JSON.stringify(value, undefined, 1) ?? 'undefined').split('\n')
  for (const [i, text] of texts.entries()) {
    if (out.length > linesMax) return
    const inner = /^ */.exec(text)?.[0].length ?? 0
    const last = i === texts.length - 1
    out.push({ kind, depth: depth + inner, text: `${i === 0 ? name : ''}${text.slice(inner)}${last ? comma : ''}` })
  }
}

type JsonObject = Readonly<Record<string, unknown>>

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Equal as JSON, whatever the order of keys. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (isList(a) && isList(b)) return a.length === b.length && a.every((value, i) => same(value, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}
