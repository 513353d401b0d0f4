/** A strict reader of RFC 4180: records of equally many fields, CRLF after each, quotes only as the grammar has them. */
export function readCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = [[]]
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy
  let end = 0
  for (const [whole, quoted, plain = '', after] of text.matchAll(field)) {
    end += whole.length
    records.at(-1)!.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
    if (after === '\r\n') records.push([])
  }
  if (end !== text.length || records.pop()?.length !== 0) throw new Error(`not RFC 4180 at ${end}: ${text.slice(end, end + 60)}`)
  if (records.some(({ length }) => length !== records[0]?.length)) throw new Error('records of different lengths')
  return records
}

/** The rows by column. */
export function rowsOf(text: string): readonly { readonly [column: string]: string }[] {
  const [head = [], ...rows] = readCsv(text)
  return rows.map((row) => Object.fromEntries(head.map((column, i) => [column, row[i] ?? ''])))
}

/** A cell as its text was before it was guarded. */
export function unguarded(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell
}
