/** One holder per role, told in time when it is one no longer. */
import { checkEqual, checkPresent, checkRejectsWith, checkThat } from '../check.ts'
import type { RoleSchedulerCase } from './role-scheduler-scope.ts'

const rolesDefault = 1_000

/** Cases about taking, holding, losing and giving back. */
export const holdingDefinitions: readonly RoleSchedulerCase[] = [
  {
    name: 'a free role is given at once, and holds',
    test: async ({ openScheduler, take, pass, backend }) => {
      const scheduler = await openScheduler('a')
      checkEqual(scheduler.instance, 'a', 'a scheduler says how its instance is called')
      const lease = await take(scheduler, 'orders/0')
      checkEqual(
        [lease.fence.role, lease.isValid(), lease.signal.aborted, lease.yield.aborted, lease.unclean],
        ['orders/0', true, false, false, false],
        'a new lease is valid, and nobody died for it',
      )
      checkThat(lease.fence.token > 0n, 'tokens begin above zero')
      await pass(backend.leaseMs * 3)
      checkEqual(
        [lease.isValid(), lease.signal.aborted, lease.yield.aborted],
        [true, false, false],
        'a lease is kept for as long as its holder lives',
      )
    },
  },
  {
    name: 'a role that somebody holds is given to nobody else',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, ask, pass, backend }) => {
      const [a, b] = [await openScheduler('a'), await openScheduler('b')]
      const lease = await take(a, 'orders/0')
      let given = false
      const waiting = ask(b, 'orders/0')
      waiting.then(
        () => {
          given = true
        },
        () => undefined,
      )
      await pass(backend.leaseMs * 3)
      checkThat(!given || !lease.isValid(), 'a role has one holder at a time')
      checkEqual(lease.isValid(), true, 'one role for two instances is spread evenly already: its holder keeps it')
    },
  },
  {
    name: 'a released role goes to the next one at once, with a greater token',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, ask, within, backend }) => {
      const schedulers = [await openScheduler('a'), await openScheduler('b')]
      let lease = await take(checkPresent(schedulers[0], 'open'), 'orders/0')
      for (let turn = 1; turn <= 6; turn++) {
        const waiting = ask(checkPresent(schedulers[turn % 2], 'open'), 'orders/0')
        const started = backend.time.clock.monotonic()
        await within(lease.release(), 'release answers')
        const next = await within(waiting, 'a released role goes to the next one')
        checkThat(
          backend.time.clock.monotonic() - started < backend.leaseMs,
          'a released role goes to the next one at once, not when the lease would have expired',
        )
        checkEqual([next.fence.role, next.fence.domain], [lease.fence.role, lease.fence.domain], 'tokens of a role stay in one domain')
        checkThat(
          next.fence.token > lease.fence.token,
          'of all tokens for a role the newest is the greatest',
          `${next.fence.token} after ${lease.fence.token}`,
        )
        checkEqual([next.unclean, lease.isValid()], [false, false], 'a role that was released was left clean, and is held no more')
        lease = next
      }
    },
  },
  {
    name: 'tokens grow for one instance as well',
    test: async ({ openScheduler, take, within }) => {
      const scheduler = await openScheduler('a')
      let token = 0n
      for (let turn = 0; turn < 5; turn++) {
        const lease = await take(scheduler, 'orders/0')
        checkThat(lease.fence.token > token, 'of all tokens for a role the newest is the greatest', `${lease.fence.token} after ${token}`)
        token = lease.fence.token
        await within(
          turn % 2 === 0 ? lease.release() : Promise.resolve(lease[Symbol.asyncDispose]()),
          'a lease that is disposed is released',
        )
      }
    },
  },
  {
    name: 'releasing again does nothing',
    test: async ({ openScheduler, take, within }) => {
      const scheduler = await openScheduler('a')
      const first = await take(scheduler, 'orders/0')
      await within(first.release(), 'release answers')
      const second = await take(scheduler, 'orders/0')
      await within(Promise.all([first.release(), first.release()]), 'release is idempotent')
      await within(Promise.resolve(first[Symbol.asyncDispose]()), 'release is idempotent')
      checkEqual([first.isValid(), second.isValid()], [false, true], 'an old lease does not release a newer one')
      checkEqual((await scheduler.holders(['orders/0'])).get('orders/0')?.instance, 'a', 'an old lease does not release a newer one')
    },
  },
  {
    name: 'asking again for a role that the instance holds waits for its release',
    test: async ({ openScheduler, take, ask, within, pass, backend }) => {
      const scheduler = await openScheduler('a')
      const first = await take(scheduler, 'orders/0')
      let given = false
      const again = ask(scheduler, 'orders/0')
      again.then(
        () => {
          given = true
        },
        () => undefined,
      )
      await pass(backend.leaseMs)
      checkEqual([given, first.isValid()], [false, true], 'asking again for a role that this instance holds waits')
      await first.release()
      checkThat(
        (await within(again, 'the second call has the role once it is released')).fence.token > first.fence.token,
        'of all tokens for a role the newest is the greatest',
      )
    },
  },
  {
    name: 'an aborted wait throws the reason and leaves nothing behind',
    test: async ({ openScheduler, take, ask, within, quiet }) => {
      const scheduler = await openScheduler('a')
      const reason = new Error('enough')
      await within(
        checkRejectsWith(
          ask(scheduler, 'orders/0', { signal: AbortSignal.abort(reason) }),
          reason,
          'awaitRole with an aborted signal throws its reason',
        ),
        'an aborted wait ends',
      )
      checkEqual(await scheduler.holders(['orders/0']), new Map(), 'an aborted wait leaves nothing behind')
      const held = await take(scheduler, 'orders/0')
      const stop = new AbortController()
      const waiting = ask(scheduler, 'orders/0', { signal: stop.signal })
      await quiet()
      stop.abort(reason)
      await within(checkRejectsWith(waiting, reason, 'an aborted wait throws the reason'), 'an aborted wait ends')
      await held.release()
      await quiet()
      checkEqual(await scheduler.holders(['orders/0']), new Map(), 'an aborted wait takes no role later')
      const next = await take(scheduler, 'orders/0')
      checkThat(next.isValid(), 'an aborted wait blocks nobody')
    },
  },
  {
    name: 'an aborted wait of one instance does not keep a role from another',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, ask, within, pass, backend }) => {
      const [a, b] = [await openScheduler('a'), await openScheduler('b')]
      const stop = new AbortController()
      const roles = ['orders/0', 'orders/1', 'orders/2', 'orders/3']
      const leases = await Promise.all(roles.map((role) => take(a, role)))
      const waits = roles.map((role) => ask(b, role, { signal: stop.signal }))
      await pass(1)
      stop.abort(new Error('enough'))
      await within(Promise.allSettled(waits), 'aborted waits end')
      await pass(backend.leaseMs * 2)
      const owned = await Promise.all(
        waits.map((wait) =>
          wait.then(
            (lease) => lease.release(),
            () => undefined,
          ),
        ),
      )
      checkEqual(owned.length, 4, 'aborted waits end')
      for (const lease of leases) await lease.release()
      for (const role of roles) checkEqual((await take(a, role)).fence.role, role, 'an instance that waits no longer counts no longer')
    },
  },
  {
    name: 'holders names who holds what since when, and leaves out what nobody holds',
    test: async ({ openScheduler, take, pass, backend, capabilities }) => {
      const a = await openScheduler('a')
      const reader = capabilities.multiInstance ? await openScheduler('reader') : a
      await pass(20)
      const before = Math.trunc(backend.time.clock.now())
      const lease = await take(a, 'orders/0')
      const after = Math.ceil(backend.time.clock.now())
      await pass(20)
      await take(a, 'a b/1')
      const holders = await reader.holders(['orders/0', 'orders/1', 'a b/1'])
      checkEqual(
        new Map([...holders].map(([role, { instance }]) => [role, instance])),
        new Map([
          ['a b/1', 'a'],
          ['orders/0', 'a'],
        ]),
        'holders names the holders of the roles that are held',
      )
      const since = holders.get('orders/0')?.since.getTime() ?? 0
      checkThat(
        since >= before - 1 && since <= after + 1,
        'holders says since when a role is held',
        `${since} is not within ${before} and ${after}`,
      )
      checkEqual(await reader.holders([]), new Map(), 'holders of nothing is empty')
      await lease.release()
      checkEqual([...(await reader.holders(['orders/0'])).keys()], [], 'a released role has no holder')
    },
  },
  {
    name: 'roles whose names look alike are apart',
    test: async ({ openScheduler, take }) => {
      const scheduler = await openScheduler('a')
      const roles = ['a b/0', 'a_b/0', 'A b/0', 'a%20b/0', 'a/b/0', 'a.b/0', 'é/0', 'e\u0301/0', 'x'.repeat(200)]
      const leases = await Promise.all(roles.map((role) => take(scheduler, role)))
      checkEqual(
        leases.map(({ fence }) => fence.role),
        roles,
        'roles are the same only when every character is',
      )
      await leases[0]?.release()
      checkEqual([...(await scheduler.holders(roles)).keys()].sort(), roles.slice(1).sort(), 'releasing one role releases no other')
    },
  },
  {
    name: 'very many roles are held by one instance',
    test: async ({ openScheduler, take, pass, backend, sizes }) => {
      const scheduler = await openScheduler('a')
      const roles = Array.from({ length: sizes.roles ?? rolesDefault }, (_, n) => `orders/${n}`)
      const leases = await Promise.all(roles.map((role) => take(scheduler, role)))
      await pass(backend.leaseMs * 2)
      checkEqual(leases.filter((lease) => !lease.isValid()).length, 0, 'very many leases are kept as well as one')
      checkEqual((await scheduler.holders(roles)).size, roles.length, 'holders names very many roles')
      await Promise.all(leases.map((lease) => lease.release()))
      checkEqual((await scheduler.holders(roles)).size, 0, 'very many roles are released')
    },
  },
]
