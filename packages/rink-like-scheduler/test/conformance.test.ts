import { type Clock, systemClock } from '@workflow/core/adapter'
import { type HarnessTime, realTime, roleSchedulerCases } from '@workflow/testing/conformance'
import { describe, test, vi } from 'vitest'
import { rinkLikeScheduler } from '../src/index.ts'
import { deleteKey, etcdUrl, freshPrefix } from './etcd.ts'
import { Proxy } from './proxy.ts'

vi.setConfig({ maxConcurrency: 12 })

/** Real time whose clocks can be set: etcd's goes on as it is. */
function jumpingTime(): HarnessTime {
  const offsets = { wall: 0, monotonic: 0 }
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + offsets.wall,
    monotonic: () => systemClock.monotonic() + offsets.monotonic,
  }
  return { ...realTime(), clock, jump: (which, ms) => void (offsets[which] += ms) }
}

describe.skipIf(etcdUrl === undefined)('role scheduler', () => {
  const url = etcdUrl ?? ''
  const cases = roleSchedulerCases({
    capabilities: { multiInstance: true, persistent: true, kill: true, steal: true, clockJumps: true },
    start: async () => {
      const time = jumpingTime()
      const prefix = freshPrefix()
      const proxies: Proxy[] = []
      return {
        time,
        leaseMs: 3_000,
        open: async (instance) => {
          const proxy = await Proxy.to(url)
          proxies.push(proxy)
          const port = rinkLikeScheduler({ endpoints: proxy.url, prefix, instance, lease: '3s', clock: time.clock })
          return { port, close: () => port.close().then(() => proxy.close()), kill: () => proxy.close() }
        },
        steal: (role) => deleteKey(url, `${prefix}//role/${role}`),
        [Symbol.asyncDispose]: async () => {
          for (const proxy of proxies) await proxy.close()
        },
      }
    },
  })
  // Most of a case is waiting: they all go on at once, but for those that count what keeps the process alive, or keep it busy.
  for (const { name, run } of cases) {
    if (/alive|very many/.test(name)) test(name, { timeout: 60_000 }, () => run())
    else test.concurrent(name, { timeout: 60_000 }, () => run())
  }
})
