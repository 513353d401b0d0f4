/**
 * A member in a process of its own that asks for every role, and gives one back when it is asked to, as an engine does:
 * `node member-process.ts <endpoints> <prefix> <instance> <roles> [lease]`. Tells its parent what it holds whenever that has
 * changed, and leaves when it is told to.
 */
import { type RoleLease } from '@workflow/core/adapter'
import { type Duration } from '@workflow/core'
import { rinkLikeScheduler } from '../src/index.ts'

/** What a member tells. */
export interface Report {
  readonly held: number
  readonly taken: number
  readonly lost: number
  /** In ms of CPU time, and bytes. */
  readonly cpuMs: number
  readonly memory: number
}

const [endpoints = '', prefix = '', instance = '', roles = '1', lease = '3s'] = process.argv.slice(2)
const scheduler = rinkLikeScheduler({ endpoints: endpoints.split(','), prefix, instance, lease: lease as Duration })
const stop = new AbortController()
const held = new Map<string, RoleLease>()
let [taken, lost] = [0, 0]
let told: NodeJS.Timeout | undefined

function tell(): void {
  told ??= setTimeout(() => {
    told = undefined
    const { user, system } = process.cpuUsage()
    process.send?.({ held: held.size, taken, lost, cpuMs: (user + system) / 1_000, memory: process.memoryUsage().rss } satisfies Report)
  }, 20)
}

async function keep(role: string): Promise<void> {
  while (!stop.signal.aborted) {
    const one = await scheduler.awaitRole(role, { signal: stop.signal, generation: 0 })
    held.set(role, one)
    taken++
    tell()
    await new Promise<void>((resolve) => {
      one.yield.addEventListener('abort', () => resolve(), { once: true })
      one.signal.addEventListener('abort', () => {
        lost++
        resolve()
      })
    })
    held.delete(role)
    tell()
    await one.release()
  }
}

for (let slot = 0; slot < Number(roles); slot++) keep(`orders/${slot}`).catch(() => undefined)
// A parent that was killed says nothing any more.
process.on('disconnect', () => process.exit())
process.on('message', (message) => {
  if (message === 'report') tell()
  else void leave()
})

async function leave(): Promise<void> {
  stop.abort()
  await Promise.all([...held.values()].map((one) => one.release()))
  await scheduler.close()
  process.disconnect()
}
