import { hash } from 'node:crypto'

/**
 * Sixteen bytes that stand for some texts in an index, because Postgres indexes no text as long as ours may be. The
 * first half of a SHA-256: two different lists of texts do not meet.
 */
export function textKey(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts)).slice(0, 32)
}
