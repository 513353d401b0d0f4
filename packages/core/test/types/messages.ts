/** What the compiler says of each mistake, as text that can be compared. */
import { readFileSync } from 'node:fs'
import { compile, type Compiler, typeTestFile } from './compilers.ts'

const mistakes = 'mistakes.test-d.ts'

/** The recorded messages, and what is wrong with the mistakes themselves. */
export interface Messages {
  readonly text: string
  readonly cases: number
  readonly faults: readonly string[]
}

/**
 * Compiles the mistakes. Each must be reported at one place only: an error that breaks what comes after it hides the line
 * that has to be changed.
 */
export function messages(compiler: Compiler): Messages {
  const source = readFileSync(typeTestFile(mistakes), 'utf8').split('\n')
  const titles = new Map(source.flatMap((line, index) => (line.startsWith('// #') ? [[index + 1, line.slice(3)] as const] : [])))
  const said = new Map(Array.from(titles.values(), (title) => [title, { places: new Set<string>(), texts: [] as string[] }]))
  const faults: string[] = []
  for (const { file, line, column, text } of compile(compiler, [typeTestFile(mistakes)]).diagnostics) {
    const title = file.endsWith(mistakes) ? titles.get(Math.max(...[...titles.keys()].filter((first) => first < line))) : undefined
    const about = title === undefined ? undefined : said.get(title)
    if (about === undefined) faults.push(`${file}(${line},${column}): ${text}`)
    about?.places.add(`${line},${column}`)
    about?.texts.push(text)
  }
  for (const [title, { places }] of said) {
    if (places.size === 0) faults.push(`${title}: compiles`)
    if (places.size > 1) faults.push(`${title}: is reported at ${places.size} places: ${[...places].join(' and ')}`)
  }
  const text = Array.from(said, ([title, { texts }]) => `${title}\n${texts.join('\n')}\n`).join('\n')
  return { text, cases: titles.size, faults }
}
