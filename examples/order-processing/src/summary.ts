/** What is said at the end. */
import type { AuditCheck } from './audit.ts'
import type { OrderFacts } from './order-facts.ts'
import { grouped, money, seconds, spelled } from './view.ts'

const faultsShownMax = 5

export function summaryLines(facts: readonly OrderFacts[], elapsedMs: number): readonly string[] {
  const byStatus = Map.groupBy(facts, ({ status }) => status)
  const sum = (field: 'transitions' | 'retries' | 'callbacks' | 'timeouts'): string =>
    grouped(facts.reduce((total, each) => total + each[field], 0))
  const durations = facts.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (share: number): string => seconds(durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0)
  return [
    `${grouped(facts.length)} orders, this start took ${seconds(elapsedMs)}`,
    ...[...byStatus]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(
        ([status, all]) =>
          `  ${spelled(status).padEnd(20)}${grouped(all.length).padStart(7)}  ${money(all.reduce((total, { totalCents }) => total + totalCents, 0)).padStart(18)}`,
      ),
    `  ${sum('transitions')} versions, ${sum('retries')} retries, ${sum('callbacks')} callbacks, ${sum('timeouts')} timeouts`,
    ...(durations.length === 0 ? [] : [`  half of the orders ended within ${at(0.5)}, 99 % within ${at(0.99)}`]),
  ]
}

export function auditLines(checks: readonly AuditCheck[]): readonly string[] {
  return checks.flatMap(({ promise, measured, faults }) => [
    `  ${faults.length === 0 ? 'ok    ' : 'BROKEN'}  ${promise} (${measured})`,
    ...faults.slice(0, faultsShownMax).map((fault) => `            ${fault}`),
    ...(faults.length > faultsShownMax ? [`            and ${grouped(faults.length - faultsShownMax)} more`] : []),
  ])
}
