/** Proves, from what is stored and nothing else, that no order was lost and none was charged twice. */
import type { OrderFacts } from './order-facts.ts'
import type { LedgerEntry } from './payment-ledger.ts'
import { grouped, money } from './view.ts'

/** One promise, and whether it was kept. */
export interface AuditCheck {
  readonly promise: string
  readonly measured: string
  /** Which orders break it, and how. */
  readonly faults: readonly string[]
}

export interface AuditInput {
  readonly facts: readonly OrderFacts[]
  readonly ledger: readonly LedgerEntry[]
  /** Orders that this start has read. */
  readonly accepted: Iterable<string>
}

export function audit({ facts, ledger, accepted }: AuditInput): readonly AuditCheck[] {
  const charges = chargesByOrder(ledger)
  return [
    everyOrderIsThere(facts, accepted),
    everyOrderEnded(facts),
    everyHistoryIsWhole(facts),
    nobodyPaidTwice(charges, ledger),
    booksAgree(facts, charges),
  ]
}

type Charges = ReadonlyMap<string, readonly LedgerEntry[]>

function chargesByOrder(ledger: readonly LedgerEntry[]): Charges {
  const charges = new Map<string, LedgerEntry[]>()
  for (const entry of ledger) {
    if (entry.outcome !== 'charged') continue
    const known = charges.get(entry.orderId)
    if (known === undefined) charges.set(entry.orderId, [entry])
    else known.push(entry)
  }
  return charges
}

function everyOrderIsThere(facts: readonly OrderFacts[], accepted: Iterable<string>): AuditCheck {
  const runs = new Map<string, number>()
  for (const { orderId } of facts) runs.set(orderId, (runs.get(orderId) ?? 0) + 1)
  const missing = [...accepted].filter((id) => !runs.has(id)).map((id) => `${id} was read and is not in the database`)
  const double = [...runs].filter(([, count]) => count > 1).map(([id, count]) => `${id} was run ${count} times`)
  return { promise: 'every order has one run', measured: `${grouped(runs.size)} orders`, faults: [...missing, ...double] }
}

function everyOrderEnded(facts: readonly OrderFacts[]): AuditCheck {
  const ended = facts.filter(({ state }) => state === 'Completed' || state === 'Cancelled')
  const faults = facts.filter((each) => !ended.includes(each)).map(({ orderId, state, status }) => `${orderId} is ${state} at ${status}`)
  return { promise: 'every order reached an end', measured: `${grouped(ended.length)} of ${grouped(facts.length)}`, faults }
}

function everyHistoryIsWhole(facts: readonly OrderFacts[]): AuditCheck {
  const transitions = facts.reduce((sum, each) => sum + each.transitions, 0)
  const faults = facts.flatMap(({ orderId, faults: own }) => own.map((fault) => `${orderId}: ${fault}`))
  return {
    promise: 'every history is a legal path',
    measured: `${grouped(transitions)} versions${faults.length === 0 ? ', no gaps' : ''}`,
    faults,
  }
}

function nobodyPaidTwice(charges: Charges, ledger: readonly LedgerEntry[]): AuditCheck {
  const repeats = ledger.reduce((sum, each) => sum + each.repeats, 0)
  const faults = [...charges]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => `${id} was charged ${all.length} times: ${all.map(({ paymentId }) => paymentId).join(', ')}`)
  return {
    promise: 'no order was charged twice',
    measured: `${grouped(charges.size)} charges, ${grouped(repeats)} repeats recognised`,
    faults,
  }
}

/** Shipped orders were charged what they cost, and nobody else was charged at all. */
function booksAgree(facts: readonly OrderFacts[], charges: Charges): AuditCheck {
  const faults: string[] = []
  let ordersCents = 0
  for (const { orderId, status, state, totalCents, paymentId } of facts) {
    const [charge] = charges.get(orderId) ?? []
    if (status === 'shipped') {
      ordersCents += totalCents
      if (charge === undefined) faults.push(`${orderId} was shipped and never charged`)
      else if (charge.cents !== totalCents || charge.paymentId !== paymentId) {
        faults.push(
          `${orderId} costs ${money(totalCents)} by ${paymentId}, and the ledger has ${money(charge.cents)} by ${charge.paymentId}`,
        )
      }
    } else if (charge !== undefined && state === 'Completed') faults.push(`${orderId} is ${status}, and was charged by ${charge.paymentId}`)
  }
  const known = new Set(facts.map(({ orderId }) => orderId))
  for (const id of charges.keys()) if (!known.has(id)) faults.push(`${id} was charged and is not in the database`)
  const ledgerCents = [...charges.values()].flat().reduce((sum, { cents }) => sum + cents, 0)
  const measured =
    ordersCents === ledgerCents ? `${money(ledgerCents)} on both sides` : `${money(ordersCents)} here, ${money(ledgerCents)} there`
  return { promise: 'database and ledger agree', measured, faults }
}
