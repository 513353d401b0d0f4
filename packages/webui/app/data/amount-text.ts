/** Durations, ages, times and counts as short texts. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** Two units at most: `1 d 4 h`, `3.2 s`, `15 ms`. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 0) return `−${durationText(-ms)}`
  if (ms < 1) return ms === 0 ? '0 ms' : '< 1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${trimmed(ms / 1_000)} s`
  const at = units.findIndex(([, size]) => ms >= size)
  const [name, size] = units[at] ?? units[3]
  const [nextName, nextSize] = units[at + 1] ?? units[3]
  const whole = Math.floor(ms / size)
  const rest = Math.floor((ms - whole * size) / nextSize)
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${nextName}`
}

function trimmed(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1).replace(/\.0$/, '') : String(Math.floor(seconds))
}

/** `4 min ago`, `in 2 h`, `now`; one unit only, since it is read at a glance. */
export function agoText(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso)
  if (Number.isNaN(ms)) return iso
  const size = Math.abs(ms)
  if (size < 1_500) return 'now'
  const [name, unit] = units.find(([, one]) => size >= one) ?? units[3]
  const text = `${Math.floor(size / unit)} ${name}`
  return ms > 0 ? `${text} ago` : `in ${text}`
}

/** Local date and time to the second; with `ms`, to the millisecond. */
export function timeText(iso: string, precision: 's' | 'ms' = 's'): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return precision === 's' ? `${day} ${time}` : `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** With thin gaps between thousands: `12 345`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** `1 run`, `2 runs`. */
export function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** `12.5 %`; of nothing, `–`. */
export function shareText(part: number, whole: number): string {
  if (whole === 0) return '–'
  const share = (100 * part) / whole
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`
}
