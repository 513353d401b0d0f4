/** What becomes of each order, by its number alone: a shop has a bit of everything. */
import type { Order } from './shop.contract.ts'

export type Fate =
  | 'delivered'
  /** Delivered, and forgotten since, because the customer has asked for it. */
  | 'deleted'
  | 'on the way'
  | 'unpaid'
  | 'rejected'
  | 'card refused'
  | 'bank away'
  | 'being asked'
  | 'cancelled'

/** How many of forty. */
const shares: Readonly<Record<Fate, number>> = {
  delivered: 21,
  deleted: 1,
  'on the way': 4,
  unpaid: 6,
  rejected: 1,
  'card refused': 1,
  'bank away': 2,
  'being asked': 2,
  cancelled: 2,
}
const wheel: readonly Fate[] = Object.entries(shares).flatMap(([fate, share]) => Array.from({ length: share }, () => fate as Fate))
const customers = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Tony', 'Frances', 'Niklaus']
const cities = ['Bonn', 'Kiel', 'Ulm', 'Jena']

/** Mixed, so that neighbours differ: 17 and 40 have no factor in common. */
export function fateOf(number: number): Fate {
  return wheel[(number * 17) % wheel.length] ?? 'delivered'
}

export function orderOf(number: number): { readonly initialValue: Order; readonly metadata: Readonly<Record<string, string>> } {
  const fate = fateOf(number)
  const base = {
    customer: customers[number % customers.length] ?? 'Ada',
    cents: fate === 'rejected' ? 0 : 900 + ((number * 137) % 9_000),
    parcels: 1 + (number % 3),
  }
  const trouble = troubleOf(fate, number)
  return { initialValue: trouble === undefined ? base : { ...base, trouble }, metadata: { city: cities[number % cities.length] ?? 'Bonn' } }
}

function troubleOf(fate: Fate, number: number): Order['trouble'] {
  if (fate === 'card refused') return 'card'
  if (fate === 'bank away') return 'bank'
  return number % 6 === 0 ? 'line' : undefined
}

export function foreignIdOf(number: number): string {
  return `order-${10_000 + number}`
}

export function numberOf(foreignId: string): number {
  return Number(/^order-(\d+)/.exec(foreignId)?.[1]) - 10_000
}
