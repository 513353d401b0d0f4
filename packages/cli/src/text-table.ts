/** Rows as aligned columns, two spaces apart. A column of numbers is aligned on the right. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const cells = [head, ...rows].map((row) => row.map(printable))
  const widths = head.map((_, i) => Math.max(...cells.map((row) => width(row[i] ?? ''))))
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => /^(≥ )?[\d,]+$/.test(row[i] ?? '')))
  return cells.map((row) =>
    row
      .map((cell, i) => {
        const blank = ' '.repeat((widths[i] ?? 0) - width(cell))
        return numeric[i] === true ? blank + cell : cell + blank
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Without what would move a terminal's cursor: names come from a store. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD')
}

/** A whole number with a comma at each thousand, wherever the process runs. */
export function counted(count: number): string {
  return count.toLocaleString('en-US')
}

function width(text: string): number {
  return Array.from(text).length
}
