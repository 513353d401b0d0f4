/** How long it took until work went on after a misfortune, read from the ledger. */
import { slotOf } from '@workflow/core/adapter'
import type { LedgerLine } from './ledger.ts'

/** Something went wrong at a moment. */
export interface Misfortune {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The worker that was killed, where another one was alive and nothing else was wrong. */
  readonly killed?: number
  /** What was over at that moment. */
  readonly ended?: string
}

type Call = Pick<LedgerLine, 'pid' | 'at' | 'runId'>

/** The engine's default. */
const slots = 16

/** One for each time that all were dead: until the first handler call of any of those that were started then. */
export function restarts(
  starts: readonly { readonly at: number; readonly pids: readonly number[] }[],
  ledger: readonly Call[],
): readonly number[] {
  return starts.slice(1).flatMap(({ at, pids }) => {
    const first = ledger.find(({ pid }) => pids.includes(pid))
    return first === undefined ? [] : [first.at - at]
  })
}

/**
 * One for each worker that was killed while another one lived: until the last of the slots where it had been the last one
 * at work had a call elsewhere. Slots in which nothing was called before the next misfortune are left out: who knows why.
 */
export function takeovers(misfortunes: readonly Misfortune[], ledger: readonly Call[]): readonly number[] {
  const calls = Map.groupBy(
    ledger.toSorted((a, b) => a.at - b.at),
    ({ runId }) => slotOf(runId, slots),
  )
  return misfortunes.flatMap(({ at, killed }, i) => {
    if (killed === undefined) return []
    const next = misfortunes[i + 1]?.at ?? Infinity
    const waits = [...calls.values()].flatMap((ofSlot) => {
      const last = ofSlot.findLast((call) => call.at <= at)
      const first = ofSlot.find((call) => call.at > at)
      return last?.pid === killed && first !== undefined && first.at < next ? [first.at - at] : []
    })
    return waits.length === 0 ? [] : [Math.max(...waits)]
  })
}

/** From the end of each strike to the next handler call of whomever, by what it was; where there was none before the next misfortune, to that. */
export function resumptions(misfortunes: readonly Misfortune[], ledger: readonly Call[]): ReadonlyMap<string, readonly number[]> {
  const calls = ledger.map(({ at }) => at).sort((a, b) => a - b)
  const found = new Map<string, number[]>()
  for (const [i, { at, ended }] of misfortunes.entries()) {
    if (ended === undefined) continue
    const next = Math.min(calls.find((call) => call > at) ?? Infinity, misfortunes[i + 1]?.at ?? Infinity)
    found.set(ended, [...(found.get(ended) ?? []), next - at])
  }
  return found
}
