/** The same process written three times, so that you can take the one that you like. They are interchangeable. */
import type { Duration } from '@workflow/core'
import type { Pool } from 'pg'

export const ways = ['pg', 'kysely', 'drizzle'] as const
export type Way = (typeof ways)[number]

// Loaded when asked for, as an application would load one of them.
const makers = {
  pg: async () => (await import('./transfers-with-pg.ts')).pgTransfers,
  kysely: async () => (await import('./transfers-with-kysely.ts')).kyselyTransfers,
  drizzle: async () => (await import('./transfers-with-drizzle.ts')).drizzleTransfers,
}

/** `approvalWithin`: how long a large transfer waits for somebody before the money goes back. */
export const transfersBy = async (way: Way, pool: Pool, approvalWithin: Duration) => (await makers[way]())(pool, approvalWithin)
