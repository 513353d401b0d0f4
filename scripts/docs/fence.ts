/** Finds the code fences of a Markdown page, and what their info strings ask for. */

export interface Fence {
  /** The first word of the info string: `ts`, `text`, `sh`. */
  readonly language: string
  /** The other words: `run`, `file=orders.ts`. */
  readonly flags: readonly string[]
  /** The line of the first line of code, from 1. */
  readonly line: number
  readonly code: string
}

/** Every fence of a page, in order. An unclosed fence ends with the page, as it does for every renderer. */
export function fencesOf(markdown: string): readonly Fence[] {
  const fences: Fence[] = []
  const lines = markdown.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const open = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(lines[i] ?? '')
    if (open === null) continue
    const [, indent = '', marker = '', info = ''] = open
    const line = i + 2
    const code: string[] = []
    for (i++; i < lines.length && !(lines[i] ?? '').trim().startsWith(marker); i++) code.push(withoutIndent(lines[i] ?? '', indent))
    const [language = '', ...flags] = info.trim().split(/\s+/)
    fences.push({ language, flags, line, code: code.join('\n') })
  }
  return fences
}

function withoutIndent(line: string, indent: string): string {
  return line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()
}

/** The page without its fences and inline code, line for line: what is left may hold headings and links. */
export function proseOf(markdown: string): string {
  let marker: string | undefined
  return markdown
    .split('\n')
    .map((line) => {
      const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
      if (marker === undefined && mark === undefined) return line.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length))
      if (marker === undefined) marker = mark
      else if (line.trim().startsWith(marker)) marker = undefined
      return ''
    })
    .join('\n')
}
