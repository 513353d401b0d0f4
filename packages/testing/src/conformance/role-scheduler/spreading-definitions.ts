/** Roles spread evenly over the instances that want them, and move only as far as they must. */
import type { RoleLease } from '@workflow/core/adapter'
import { checkEqual, checkThat } from '../check.ts'
import { Crew } from './crew.ts'
import type { RoleSchedulerCase } from './role-scheduler-scope.ts'

const twelve = Array.from({ length: 12 }, (_, n) => `orders/${n}`)

/** Cases about several instances. */
export const spreadingDefinitions: readonly RoleSchedulerCase[] = [
  {
    name: 'roles spread evenly over the instances that wait for them, within one',
    needs: ['multiInstance'],
    test: async ({ openScheduler, eventually, pass, backend }) => {
      for (const count of [2, 5]) {
        const crew = new Crew(twelve)
        for (let n = 0; n < count; n++) crew.join(await openScheduler(`of-${count}-${n}`))
        await eventually(() => crew.isEven(), `roles spread evenly over ${count} instances`)
        const taken = crew.members.map((member) => member.taken)
        await pass(backend.leaseMs * 3)
        checkEqual(crew.isEven(), true, 'an even spread stays even')
        checkEqual(
          crew.members.map((member) => member.taken),
          taken,
          'roles that are spread evenly stay where they are',
        )
        for (const member of [...crew.members]) await crew.leave(member)
      }
    },
  },
  {
    name: 'an instance that joins gets its share, and the rest stays where it is',
    needs: ['multiInstance'],
    test: async ({ openScheduler, eventually }) => {
      const crew = new Crew(twelve)
      const [a, b] = [crew.join(await openScheduler('a')), crew.join(await openScheduler('b'))]
      await eventually(() => crew.isEven(), 'roles spread evenly over two instances')
      const before = [a.held(), b.held()]
      crew.join(await openScheduler('c'))
      await eventually(() => crew.isEven(), 'an instance that joins gets its share')
      checkEqual(crew.counts(), [4, 4, 4], 'an instance that joins gets its share')
      const stayed = [a, b].flatMap((member, n) => [...member.held()].filter(([role, token]) => before[n]?.get(role) === token))
      checkEqual(stayed.length, 8, 'each instance keeps what it has where it can: only the share of the new one moves')
    },
  },
  {
    name: 'the roles of an instance that leaves go to the others, and the rest stays where it is',
    needs: ['multiInstance'],
    test: async ({ openScheduler, eventually }) => {
      const crew = new Crew(twelve)
      const members = [
        crew.join(await openScheduler('a')),
        crew.join(await openScheduler('b')),
        crew.join(await openScheduler('c')),
      ] as const
      await eventually(() => crew.isEven(), 'roles spread evenly over three instances')
      const before = [members[0].held(), members[1].held()]
      await crew.leave(members[2])
      await eventually(() => crew.isEven(), 'the roles of an instance that leaves go to the others')
      const stayed = [members[0], members[1]].flatMap((member, n) =>
        [...member.held()].filter(([role, token]) => before[n]?.get(role) === token),
      )
      checkEqual(stayed.length, 8, 'each instance keeps what it has where it can: only the share of the one that left moves')
    },
  },
  {
    name: 'roles of a dead instance spread over those that are left',
    needs: ['multiInstance', 'kill'],
    test: async ({ open, openScheduler, eventually }) => {
      const crew = new Crew(twelve)
      const dying = await open('a')
      const member = crew.join(dying.port)
      crew.join(await openScheduler('b'))
      crew.join(await openScheduler('c'))
      await eventually(() => crew.isEven(), 'roles spread evenly over three instances')
      await dying.kill?.()
      crew.members.splice(crew.members.indexOf(member), 1)
      await eventually(() => crew.isEven(), 'the roles of a dead instance spread over those that are left')
    },
  },
  {
    name: 'a holder is asked softly to move, and keeps the role until it has released it',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, ask, eventually, within, pass, backend }) => {
      const [a, b] = [await openScheduler('a'), await openScheduler('b')]
      const roles = ['orders/0', 'orders/1']
      const leases: RoleLease[] = []
      for (const role of roles) leases.push(await take(a, role))
      const waits = roles.map((role) => ask(b, role))
      const asked = await eventually(() => leases.find((lease) => lease.yield.aborted), 'an instance that holds too much is asked to yield')
      checkEqual([asked.isValid(), asked.signal.aborted], [true, false], 'yield is soft: the lease still holds')
      await pass(backend.leaseMs * 2)
      checkEqual(
        leases.map((lease) => lease.isValid()),
        [true, true],
        'a holder that was asked to yield keeps the role until it has released it',
      )
      checkEqual(leases.filter((lease) => lease.yield.aborted).length, 1, 'an instance is asked for what it holds too much, and no more')
      await asked.release()
      const got = await within(Promise.race(waits), 'a role that was yielded goes to the instance that has too few')
      checkEqual(got.fence.role, asked.fence.role, 'a role that was yielded goes to the instance that has too few')
      checkEqual(got.unclean, false, 'a role that was yielded is clean')
    },
  },
  {
    name: 'one instance alone is never asked to yield',
    test: async ({ openScheduler, take, pass, backend }) => {
      const scheduler = await openScheduler('a')
      const leases = await Promise.all(twelve.map((role) => take(scheduler, role)))
      await pass(backend.leaseMs * 3)
      checkEqual(leases.filter((lease) => lease.yield.aborted).length, 0, 'nobody else wants these roles')
    },
  },
  {
    name: 'instances that want different roles leave each other alone',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, pass, backend }) => {
      const [a, b] = [await openScheduler('a'), await openScheduler('b')]
      const many = await Promise.all(twelve.map((role) => take(a, role)))
      const one = await take(b, 'refunds/0')
      await pass(backend.leaseMs * 3)
      checkThat(
        [...many, one].every((lease) => lease.isValid() && !lease.yield.aborted),
        'roles spread over the instances that wait for them, and over no others',
      )
    },
  },
  {
    name: 'newer code takes over from older code',
    needs: ['multiInstance'],
    test: async ({ openScheduler, take, ask, eventually, within, pass, backend }) => {
      const [old, same, young] = [await openScheduler('a'), await openScheduler('b'), await openScheduler('c')]
      const lease = await take(old, 'orders/0', 1)
      let sameGiven = false
      const waiting = ask(same, 'orders/0', { generation: 1 })
      waiting.then(
        () => {
          sameGiven = true
        },
        () => undefined,
      )
      await pass(backend.leaseMs)
      checkEqual(lease.yield.aborted, false, 'a generation does not take over from itself')
      const taking = ask(young, 'orders/0', { generation: 2 })
      await eventually(() => lease.yield.aborted, 'a higher generation makes the holder yield')
      checkEqual(lease.isValid(), true, 'newer code asks softly')
      await lease.release()
      const next = await within(taking, 'a higher generation takes over')
      checkEqual([next.isValid(), sameGiven], [true, false], 'a higher generation goes before those that have waited longer')
      await pass(backend.leaseMs * 2)
      checkEqual([next.yield.aborted, sameGiven], [false, false], 'older code does not take a role back')
    },
  },
]
