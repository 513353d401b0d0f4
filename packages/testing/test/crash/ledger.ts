/**
 * What a foreign system would know: one line for every time a handler was called, appended before the handler answers.
 * It is a plain file that outlives the process, whatever kills it, and it is never rewritten.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'

export interface LedgerLine {
  readonly key: string
  readonly runId: string
  readonly status: string
  readonly kind: 'step' | 'callback' | 'timeout'
  readonly pid: number
  readonly at: number
}

export function appendToLedger(file: string, line: LedgerLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

export function readLedger(file: string): readonly LedgerLine[] {
  if (!existsSync(file)) return []
  // One write per line: a killed process leaves whole lines only. Written by appendToLedger.
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine)
}
