/**
 * Turns the TypeScript fences of a page into modules that the compiler can check and Node can run:
 *
 *     ```ts                      a module of its own
 *     ```ts file=orders.ts       a module that the other fences of the page import as './orders.ts'
 *     ```ts continue             goes on where the fence before it ended
 *     ```ts run                  also executed; the next fence, ```text output, is what it prints
 *     ```ts foreign              code for another library: shown, not checked
 *
 * Flags combine. Each line keeps its number on the page, so that the compiler's errors point there.
 */
import type { Fence } from './fence.ts'

export interface Snippet {
  /** The name of its module in the page's folder. */
  readonly file: string
  readonly line: number
  readonly source: string
  readonly run: boolean
  /** What it prints, where the page says so. */
  readonly output: string | undefined
}

const known = ['run', 'continue', 'foreign']

/** The snippets of a page, or the mistakes in its info strings, one line of text each. */
export function snippetsOf(fences: readonly Fence[]): { readonly snippets: readonly Snippet[]; readonly mistakes: readonly string[] } {
  const snippets: Snippet[] = []
  const mistakes: string[] = []
  fences.forEach((fence, i) => {
    if (fence.language !== 'ts' && fence.language !== 'typescript') return
    const strange = fence.flags.filter((flag) => !known.includes(flag) && !flag.startsWith('file='))
    if (strange.length > 0)
      mistakes.push(`line ${fence.line - 1}: no such flag: ${strange.join(', ')}; there are ${known.join(', ')} and file=`)
    if (fence.flags.includes('foreign')) return
    const before = fence.flags.includes('continue') ? snippets.pop() : undefined
    if (fence.flags.includes('continue') && before === undefined) mistakes.push(`line ${fence.line - 1}: there is no fence to continue`)
    const next = fences[i + 1]
    const named = fence.flags.find((flag) => flag.startsWith('file='))?.slice('file='.length)
    snippets.push({
      file: named ?? before?.file ?? `line-${fence.line}.ts`,
      line: before?.line ?? fence.line,
      source: padded(before?.source ?? '', fence),
      run: fence.flags.includes('run') || before?.run === true,
      output: next?.language === 'text' && next.flags.includes('output') ? next.code : before?.output,
    })
  })
  return { snippets, mistakes }
}

function padded(before: string, fence: Fence): string {
  const lines = before === '' ? 0 : before.split('\n').length - 1
  return `${before}${'\n'.repeat(Math.max(0, fence.line - 1 - lines))}${fence.code}\n`
}

/**
 * Where what was printed differs from what the page shows, or undefined. `…` within a line stands for anything, and a
 * line of only `…` for any lines: ids and times differ from one run to the next.
 */
export function outputDifference(shown: string, printed: string): string | undefined {
  const trim = (text: string): string[] =>
    text
      .replaceAll('\r', '')
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd())
  const pattern = trim(shown).map((line) => (line.trim() === '…' ? undefined : new RegExp(`^${line.split('…').map(escaped).join('.*')}$`)))
  const actual = trim(printed)
  if (matches(pattern, actual)) return undefined
  const at = pattern.findIndex((line, i) => line !== undefined && !line.test(actual[i] ?? ''))
  return `line ${at + 1}: the page shows ${JSON.stringify(trim(shown)[at])}, the program printed ${JSON.stringify(actual[at])}; all of it:\n${printed}`
}

function matches(pattern: readonly (RegExp | undefined)[], lines: readonly string[]): boolean {
  if (pattern.length === 0) return lines.length === 0
  const [first, ...rest] = pattern
  if (first !== undefined) return lines.length > 0 && first.test(lines[0] ?? '') && matches(rest, lines.slice(1))
  return lines.some((_, i) => matches(rest, lines.slice(i))) || matches(rest, [])
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
