const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** A length of time in full: `3d 2h`, `1m 500ms`, `0ms`. */
export function spokenExactly(ms: number): string {
  let left = ms
  const parts = units.flatMap(([unit, length]) => {
    const count = Math.floor(left / length)
    left -= count * length
    return count === 0 ? [] : [`${count}${unit}`]
  })
  return parts.length === 0 ? '0ms' : parts.join(' ')
}

/** A length of time, shortly: in its largest unit, to one decimal. */
export function spoken(ms: number): string {
  const [unit, length] = units.find(([, unitMs]) => ms >= unitMs) ?? ['ms', 1]
  return `${Number((ms / length).toFixed(1))}${unit}`
}
