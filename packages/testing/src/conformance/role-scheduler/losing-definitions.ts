/** A lease ends before its role can be another's, and everybody is told what they must know. */
import { checkEqual, checkPresent, checkRejects, checkThat } from '../check.ts'
import { aliveNow } from '../opened.ts'
import type { RoleSchedulerCase } from './role-scheduler-scope.ts'

/** Cases about leases that are lost. */
export const losingDefinitions: readonly RoleSchedulerCase[] = [
  {
    name: 'the role of a dead instance goes to another one, marked as unclean',
    needs: ['kill', 'multiInstance'],
    test: async ({ open, openScheduler, take, ask, eventually, pass, backend }) => {
      const [dying, heir] = [await open('a'), await openScheduler('b')]
      const old = await take(dying.port, 'orders/0')
      const waiting = ask(heir, 'orders/0')
      await pass(1)
      await checkPresent(dying.kill, 'a harness with kill has it on its instances')()
      let next: Awaited<typeof waiting> | undefined
      waiting.then(
        (lease) => {
          next = lease
        },
        () => undefined,
      )
      await pass(backend.leaseMs / 4)
      checkEqual(next, undefined, 'a role is given to nobody else before the lease of its holder has expired')
      const lease = await eventually(() => next, 'the role of a dead instance goes to another one')
      checkEqual(old.isValid(), false, 'a lease that has expired is not valid, whoever is left to say so')
      checkEqual(lease.unclean, true, 'a lease that expired instead of being released is unclean')
      checkThat(lease.fence.token > old.fence.token, 'of all tokens for a role the newest is the greatest')
      await lease.release()
      checkEqual((await take(heir, 'orders/0')).unclean, false, 'a lease that was released is clean again')
    },
  },
  {
    name: 'a dead instance is no holder after its lease',
    needs: ['kill', 'multiInstance'],
    test: async ({ open, openScheduler, take, eventually }) => {
      const [dying, reader] = [await open('a'), await openScheduler('b')]
      await take(dying.port, 'orders/0')
      await checkPresent(dying.kill, 'a harness with kill has it on its instances')()
      await eventually(async () => (await reader.holders(['orders/0'])).size === 0, 'holders leaves out leases that have expired')
    },
  },
  {
    name: 'a lease that was taken away ends for its holder before another one believes to have it for long',
    needs: ['steal', 'multiInstance'],
    test: async ({ openScheduler, take, ask, eventually, within, backend }) => {
      const [a, b] = [await openScheduler('a'), await openScheduler('b')]
      const lease = await take(a, 'orders/0')
      const kept = await take(a, 'orders/1')
      const waiting = ask(b, 'orders/0')
      await checkPresent(backend.steal, 'a harness with steal has `steal`')('orders/0')
      await eventually(() => lease.signal.aborted, 'a lost lease fires its hard signal')
      checkEqual(lease.isValid(), false, 'a lost lease is not valid')
      const next = await within(waiting, 'a role that was taken away is given anew')
      checkThat(next.fence.token > lease.fence.token, 'of all tokens for a role the newest is the greatest')
      checkEqual([next.isValid(), kept.isValid(), kept.signal.aborted], [true, true, false], 'losing one role costs no other')
      await lease.release()
      checkEqual(
        [next.isValid(), (await b.holders(['orders/0'])).get('orders/0')?.instance],
        [true, 'b'],
        'a lost lease does not release a newer one',
      )
    },
  },
  {
    name: 'a lease is not valid when the wall clock says that it may have expired',
    needs: ['clockJumps'],
    test: async ({ openScheduler, take, backend }) => {
      const lease = await take(await openScheduler('a'), 'orders/0')
      checkEqual(lease.isValid(), true, 'a lease is valid when both clocks say so')
      backend.time.jump?.('wall', backend.leaseMs * 2)
      checkEqual(lease.isValid(), false, 'isValid is false at once when the wall clock says that the lease may have expired')
    },
  },
  {
    name: 'a lease is not valid when the monotonic clock says that it may have expired',
    needs: ['clockJumps'],
    test: async ({ openScheduler, take, backend }) => {
      const lease = await take(await openScheduler('a'), 'orders/0')
      backend.time.jump?.('monotonic', backend.leaseMs * 2)
      checkEqual(
        lease.isValid(),
        false,
        'isValid is false at once when the monotonic clock says that the lease may have expired, as after a blocked event loop',
      )
    },
  },
  {
    name: 'an instance that wins back what it has lost itself finds it clean',
    needs: ['clockJumps'],
    test: async ({ openScheduler, take, eventually, ask, within, backend }) => {
      const scheduler = await openScheduler('a')
      const lost = await take(scheduler, 'orders/0')
      // As after a machine that slept: nobody has died.
      for (const which of ['wall', 'monotonic'] as const) backend.time.jump?.(which, backend.leaseMs * 2)
      await eventually(() => lost.signal.aborted, 'a lease that has expired fires its hard signal')
      const again = await within(ask(scheduler, 'orders/0'), 'a role that was lost is given again')
      checkEqual(again.unclean, false, 'unclean speaks of another process, which may have died')
      checkThat(again.fence.token > lost.fence.token, 'of all tokens for a role the newest is the greatest')
    },
  },
  {
    name: 'closing gives every role back at once',
    test: async ({ open, openScheduler, take, ask, within, backend, capabilities }) => {
      const leaving = await open('a')
      const roles = ['orders/0', 'orders/1']
      const leases = await Promise.all(roles.map((role) => take(leaving.port, role)))
      const waiting = ask(leaving.port, 'orders/0')
      await within(Promise.all([leaving.port.close(), leaving.port.close()]), 'close comes to an end, and is idempotent')
      await checkRejects(within(waiting, 'close ends every wait'), 'Stopped', 'waiting calls reject with Stopped')
      checkEqual(
        leases.map((lease) => lease.isValid()),
        [false, false],
        'a lease is not valid after close',
      )
      await Promise.all(leases.map((lease) => within(lease.release(), 'release never rejects')))
      await checkRejects(
        () => within(ask(leaving.port, 'orders/0'), 'awaitRole answers'),
        'Stopped',
        'awaitRole throws Stopped after close',
      )
      if (!capabilities.multiInstance) return
      const next = await openScheduler('b')
      const started = backend.time.clock.monotonic()
      for (const role of roles)
        checkEqual((await take(next, role)).unclean, false, 'close releases, so that the next holder finds a clean role')
      checkThat(backend.time.clock.monotonic() - started < backend.leaseMs, 'close releases at once, not when leases would have expired')
    },
  },
  {
    name: 'closing tells the work in hand to stop',
    test: async ({ open, take, within }) => {
      const leaving = await open('a')
      const lease = await take(leaving.port, 'orders/0')
      await within(leaving.port.close(), 'close comes to an end')
      checkEqual(lease.signal.aborted, true, 'a lease that close takes away fires its hard signal')
    },
  },
  {
    name: 'closing leaves nothing alive',
    test: async ({ open, take, ask, eventually, pass, backend }) => {
      const before = aliveNow(backend)
      const instance = await open('a')
      await take(instance.port, 'orders/0')
      void ask(instance.port, 'orders/0')
      await pass(backend.leaseMs)
      await instance.close()
      await eventually(
        () => aliveNow(backend).length <= before.length,
        `close ends everything that the scheduler started (before: ${before.join(', ') || 'nothing'})`,
      )
    },
  },
  {
    name: 'tokens go on growing after closing and opening again',
    needs: ['persistent'],
    test: async ({ open, take }) => {
      const instance = await open('a')
      const first = await take(instance.port, 'orders/0')
      await instance.close()
      const second = await take((await open('a')).port, 'orders/0')
      checkThat(
        second.fence.domain !== first.fence.domain || second.fence.token > first.fence.token,
        'tokens grow within a domain, also over restarts',
        `${second.fence.token} after ${first.fence.token}`,
      )
    },
  },
]
