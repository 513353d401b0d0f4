/** Checks that links between the pages of this repository lead somewhere, down to the heading. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { proseOf } from './fence.ts'

/** The dead links of a page, one line of text each. `page` and `root` are absolute paths. Addresses elsewhere are not asked. */
export function deadLinks(page: string, root: string): readonly string[] {
  const lines = proseOf(readFileSync(page, 'utf8')).split('\n')
  return lines.flatMap((line, i) => targetsOf(line).flatMap((target) => fault(page, root, target).map((why) => `line ${i + 1}: ${why}`)))
}

function targetsOf(line: string): readonly string[] {
  const inline = [...line.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map((match) => match[1] ?? '')
  const reference = /^\s*\[[^\]]+\]:\s*(\S+)/.exec(line)?.[1]
  return reference === undefined ? inline : [...inline, reference]
}

function fault(page: string, root: string, target: string): readonly string[] {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return []
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : path.startsWith('/') ? join(root, path) : join(dirname(page), decodeURIComponent(path))
  if (relative(root, file).startsWith('..')) return [`${target} leads out of the repository`]
  if (!existsSync(file)) return [`${target} leads nowhere`]
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return []
  return anchorsOf(readFileSync(file, 'utf8')).has(decodeURIComponent(anchor)) ? [] : [`${target}: the page has no such heading`]
}

/** The anchors that GitHub and npm give to the headings of a page, and those set by hand. */
export function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  const lines = markdown.split('\n')
  const prose = proseOf(markdown).split('\n')
  lines.forEach((line, i) => {
    for (const match of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(match[1] ?? '')
    if (!/^#{1,6}\s/.test(prose[i] ?? '')) return
    const slug = slugOf(line.replace(/^#+\s+/, '').replace(/\s+#*$/, ''))
    let free = slug
    for (let n = 1; anchors.has(free); n++) free = `${slug}-${n}`
    anchors.add(free)
  })
  return anchors
}

function slugOf(heading: string): string {
  const text = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*~]/g, '')
  return text
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-')
}
