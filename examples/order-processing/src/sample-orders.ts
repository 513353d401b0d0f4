/** Makes the sample: always the same thousand orders. `node src/sample-orders.ts > sample/orders.ndjson` */
import { pathToFileURL } from 'node:url'
import { chance } from './chance.ts'
import type { Order } from './order.ts'

const firstNames = [
  'Ada',
  'Amir',
  'Bea',
  'Carlos',
  'Chloé',
  'Daan',
  'Elif',
  'Emeka',
  'Freya',
  'Giulia',
  'Hana',
  'Ines',
  'Jonas',
  'Kofi',
  'Lena',
  'Mateo',
  'Mei',
  'Noor',
  'Olek',
  'Priya',
  'Rosa',
  'Sven',
  'Tariq',
  'Zoë',
]
const lastNames = [
  'Almeida',
  'Bakker',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Garcia',
  'Haddad',
  'Ito',
  'Jansen',
  'Kowalski',
  'Lindqvist',
  'Moreau',
  'Novák',
  'Okafor',
  'Patel',
  'Rossi',
  'Santos',
  'Tanaka',
  'Weber',
]
const products = [
  ['notebook', 690],
  ['mug', 1_250],
  ['desk-lamp', 4_900],
  ['headphones', 8_990],
  ['backpack', 7_450],
  ['keyboard', 11_900],
  ['office-chair', 24_900],
  ['monitor', 31_900],
  ['standing-desk', 54_900],
  ['coffee-beans', 1_390],
  ['tea-set', 3_200],
  ['poster', 1_900],
  ['camera', 64_900],
  ['tripod', 5_950],
] as const
const cards = ['visa-4242', 'visa-1881', 'mastercard-5454', 'mastercard-0005', 'amex-0127', 'visa-9424']
const declinedShare = 0.06

export const sampleSize = 1_000

/** The order of a number from 1. */
export function sampleOrder(number: number): Order {
  const draw = (what: string): number => chance('sample', what, number)
  const kinds = 1 + Math.floor(draw('kinds') ** 2 * 4)
  const items = Array.from({ length: kinds }, (_, index) => {
    // Cheap things are bought more often, and more of them at once.
    const [sku, cents] = pick(products, draw(`product ${index}`) ** 1.4)
    return { sku, quantity: cents < 5_000 ? 1 + Math.floor(draw(`quantity ${index}`) * 3) : 1, cents }
  })
  return {
    id: `A-${1_000 + number}`,
    customer: `${pick(firstNames, draw('first name'))} ${pick(lastNames, draw('last name'))}`,
    card: draw('declined') < declinedShare ? 'visa-0002' : pick(cards, draw('card')),
    items,
  }
}

export function sampleText(): string {
  return Array.from({ length: sampleSize }, (_, index) => `${JSON.stringify(sampleOrder(index + 1))}\n`).join('')
}

function pick<T>(values: readonly T[], share: number): T {
  const value = values[Math.floor(share * values.length)]
  if (value === undefined) throw new RangeError(`there is nothing at ${share} of ${values.length}`)
  return value
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) process.stdout.write(sampleText())
