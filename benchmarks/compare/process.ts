/**
 * The process of one contender: opens it on its database, then does what it is told, one order after the other. What it says
 * goes over the channel to its parent, so that whatever a contender prints is in nobody's way.
 */
import { meter } from '../harness/meter.ts'
import type { ContenderModule } from './contender.ts'
import { backToBack, burst, paced, type Rate, type Subject, window } from './loads.ts'
import type { Answers, Audit, Order, Said, Throughput } from './orders.ts'
import { Tally } from './tally.ts'

const [path = '', url = ''] = process.argv.slice(2)
// No process outlives the benchmark.
process.on('disconnect', () => process.exit(1))

try {
  // The registry names modules that export this.
  const module = (await import(path)) as ContenderModule
  const tally = new Tally()
  const subject: Subject = { contender: await module.open(url, tally), tally }
  process.on('message', (order: Order) => {
    void carryOut(subject, order).then(
      (answer) => say({ answer }),
      (error: unknown) => say({ failed: textOf(error) }),
    )
  })
  say({ ready: module.facts })
} catch (error) {
  say({ failed: textOf(error) })
}

async function carryOut(subject: Subject, order: Order): Promise<Answers[Order['do']]> {
  switch (order.do) {
    case 'burst':
      return measured(subject, () => burst(subject, order.runs))
    case 'window':
      return measured(subject, () => window(subject, order.size, order.seconds))
    case 'back to back':
      return backToBack(subject, order.runs)
    case 'paced':
      return paced(subject, order.perSecond, order.seconds)
    case 'audit':
      return audit(subject)
    case 'end':
      await subject.contender[Symbol.asyncDispose]()
      return null
  }
}

async function measured({ tally }: Subject, load: () => Promise<Rate>): Promise<Throughput> {
  globalThis.gc?.()
  const before = tally.total
  const elapsed = meter()
  const rate = await load()
  const { cpuMs } = elapsed()
  globalThis.gc?.()
  return { ...rate, allRuns: tally.total - before, cpuMs, rssBytes: process.memoryUsage.rss() }
}

async function audit({ contender, tally }: Subject): Promise<Audit> {
  return { ...tally.faults(), runs: tally.runs, completed: tally.total, unfinished: await contender.unfinished() }
}

function say(said: Said): void {
  process.send?.(said)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
