/** What the program needs to show itself. One for terminals, one for everything else. */
import type { Progress } from './progress.ts'

export interface View {
  /** How often `show` should be called. */
  readonly intervalMs: number
  show(progress: Progress): void
  /** A line that stays. */
  note(line: string): void
  /** A question below the rest; undefined takes it away. */
  ask(question: string | undefined): void
  /** Leaves the screen as it should stay. */
  end(): void
}

/** Text from outside, without what would move the cursor or ring a bell. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\uFFFD')
}

/** 1234567 as '1,234,567'. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** 'awaiting-approval' as 'awaiting approval'. */
export function spelled(status: string): string {
  return status.replaceAll('-', ' ')
}

/** Cents as '1,234.50 EUR'. */
export function money(cents: number): string {
  return `${(cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })} EUR`
}

/** '0.4 s', '31 s', '2 min 5 s'. */
export function seconds(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  const whole = Math.round(ms / 1_000)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

export function perSecond(rate: number): string {
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`
}
