/** Holds the lists on the pages against the lists in the code. */

/** Error codes that only one of `docs/errors.md` and `errors.ts` knows. A code is documented by a heading or a table row that starts with it. */
export function errorFaults(errorsSource: string, page: string): readonly string[] {
  const table = /export const errorCodes = \{([\s\S]*?)\n\}/.exec(errorsSource)?.[1] ?? ''
  const inCode = [...table.matchAll(/^\s*(\w+):/gm)].map((match) => match[1] ?? '')
  const inPage = [...page.matchAll(/^(?:#{2,6}\s+|\|\s*)`?([A-Z][A-Za-z]+)`?\s*(?:\||$)/gm)].map((match) => match[1] ?? '')
  const codes = new Set(inPage)
  return [
    ...inCode.filter((code) => !codes.has(code)).map((code) => `docs/errors.md does not explain ${code}`),
    // A table's heading row may look like a code; a code is what a heading or `code` marks.
    ...[...page.matchAll(/^(?:#{2,6}\s+|\|\s*)`([A-Z][A-Za-z]+)`/gm)]
      .map((match) => match[1] ?? '')
      .filter((code) => !inCode.includes(code))
      .map((code) => `docs/errors.md explains ${code}, which the code does not have`),
  ]
}

export interface DocumentedOption {
  readonly name: string
  /** The text after `@default`, where there is one. */
  readonly standard: string | undefined
}

/** The optional members of the interfaces of a module whose names end in Options or Infrastructure. Those of the outbox are `outbox.x`. */
export function optionsOf(source: string): readonly DocumentedOption[] {
  return [...source.matchAll(/^export interface (\w+(?:Options|Infrastructure))\b[^{]*\{\n([\s\S]*?)^\}/gm)].flatMap(
    ([, name = '', body = '']) =>
      [...body.matchAll(/((?:^ {2}\/\*\*[\s\S]*?\*\/\n)?)^ {2}readonly (\w+)\?:/gm)].map(([, comment = '', option = '']) => ({
        name: name === 'OutboxOptions' ? `outbox.${option}` : option,
        standard: /@default\s+(.+?)\s*(?:\*\/|$)/m.exec(comment)?.[1],
      })),
  )
}

/** Options without a row in the tables of `docs/configuration.md`, or whose row does not show the default. */
export function optionFaults(options: readonly DocumentedOption[], page: string): readonly string[] {
  const rows = page.split('\n').filter((line) => line.startsWith('|'))
  return options.flatMap(({ name, standard }) => {
    const own = rows.filter((row) => row.split('|')[1]?.trim() === `\`${name}\``)
    if (own.length === 0) return [`docs/configuration.md has no row for ${name}`]
    const plain = (text: string): string => text.replace(/[`'"\s]/g, '')
    return standard === undefined || own.some((row) => plain(row).includes(plain(standard)))
      ? []
      : [`docs/configuration.md: the row of ${name} does not show its default, ${standard}`]
  })
}
