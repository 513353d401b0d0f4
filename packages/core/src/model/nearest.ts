/**
 * The candidate that `word` was probably meant to be, for "Did you mean": the one with the fewest insertions, deletions,
 * replacements and swaps of neighbours, if those are at most a third of the word's length (and at least one is allowed).
 *
 * Source: the "optimal string alignment" distance, Boytsov, "Indexing methods for approximate dictionary searching" (2011).
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = alignmentDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** The clause that ends an error message about an unknown name: what was probably meant, else what there is. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates)
  if (meant !== undefined) return `Did you mean '${meant}'?`
  return candidates.length === 0 ? 'There are none.' : `There ${candidates.length === 1 ? 'is' : 'are'}: ${quoted(candidates)}.`
}

/** Up to ten names in quotes, and how many more there are. */
export function quoted(names: readonly string[]): string {
  const shown = names
    .slice(0, 10)
    .map((name) => `'${name}'`)
    .join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

function alignmentDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = cell(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replaced, cell(previous, j) + 1, cell(current, j - 1) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, cell(beforePrevious, j - 2) + 1)
      current.push(least)
    }
    beforePrevious = previous
    previous = current
  }
  return cell(previous, b.length)
}

function cell(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
