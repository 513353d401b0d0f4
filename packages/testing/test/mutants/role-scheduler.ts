/** Role schedulers that are wrong about one thing. */
import type { RoleLease } from '@workflow/core/adapter'
import type { SchedulerChanger } from '../memory-harness.ts'
import { leaseOver, leases } from './breaking-lease.ts'
import { mutant, type Mutant } from './mutant.ts'

const never = new AbortController().signal
const lost = AbortSignal.abort(new Error('a mutant says so'))

export const roleSchedulerMutants: readonly Mutant<SchedulerChanger>[] = [
  mutant('does not know its own name', (scheduler) => ({ ...scheduler, instance: 'somebody' }), 'a free role is given at once, and holds'),
  mutant(
    'gives a role to whoever waits for a second',
    (scheduler, { clock, shared }) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const waited = new Promise<RoleLease>((resolve) => {
          clock.setTimer(800, () => {
            const held = shared.get(role) as RoleLease | undefined
            if (held !== undefined && role === 'orders/0' && scheduler.instance === 'b')
              resolve(leaseOver(held, { release: async () => undefined }))
          })
        })
        const lease = await (options.generation === 0 && scheduler.instance === 'b' && !shared.has('orders/1')
          ? Promise.race([scheduler.awaitRole(role, options), waited])
          : scheduler.awaitRole(role, options))
        shared.set(role, lease)
        return lease
      },
    }),
    'a role that somebody holds is given to nobody else',
  ),
  mutant(
    'begins its tokens anew for each instance',
    (scheduler) => {
      let token = 0n
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          return leaseOver(lease, { fence: { ...lease.fence, token: ++token } })
        },
      }
    },
    'a released role goes to the next one at once, with a greater token',
    'the role of a dead instance goes to another one, marked as unclean',
    'a lease that was taken away ends for its holder before another one believes to have it for long',
    'tokens go on growing after closing and opening again',
  ),
  mutant(
    'gives an instance its old token again',
    (scheduler) => {
      const tokens = new Map<string, bigint>()
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          const token = tokens.get(role) ?? lease.fence.token
          tokens.set(role, token)
          return leaseOver(lease, { fence: { ...lease.fence, token } })
        },
      }
    },
    'tokens grow for one instance as well',
    'a released role goes to the next one at once, with a greater token',
    'asking again for a role that the instance holds waits for its release',
  ),
  mutant(
    'releases whatever lease there is',
    (scheduler) => {
      const current = new Map<string, RoleLease>()
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          current.set(role, lease)
          return leaseOver(lease, { release: async () => current.get(role)?.release() })
        },
      }
    },
    'releasing again does nothing',
  ),
  mutant(
    'gives a role again to the instance that holds it',
    (scheduler) => {
      const held = new Map<string, RoleLease>()
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const known = held.get(role)
          if (known?.isValid() === true && !options.signal.aborted) return known
          const lease = await scheduler.awaitRole(role, options)
          held.set(role, lease)
          return lease
        },
      }
    },
    'asking again for a role that the instance holds waits for its release',
    'an aborted wait throws the reason and leaves nothing behind',
    'closing gives every role back at once',
  ),
  mutant(
    'takes a role after its wait was aborted',
    (scheduler) => ({
      ...scheduler,
      awaitRole: (role, options) =>
        options.signal.aborted
          ? scheduler.awaitRole(role, options)
          : Promise.race([
              scheduler.awaitRole(role, { ...options, signal: never }),
              new Promise<never>((_, reject) => {
                options.signal.addEventListener('abort', () => reject(options.signal.reason as Error))
              }),
            ]),
    }),
    'an aborted wait throws the reason and leaves nothing behind',
    'an aborted wait of one instance does not keep a role from another',
    'roles spread evenly over the instances that wait for them, within one',
    'the roles of an instance that leaves go to the others, and the rest stays where it is',
  ),
  mutant(
    'says that a role is held since ever',
    (scheduler) => ({
      ...scheduler,
      holders: async (roles) =>
        new Map([...(await scheduler.holders(roles))].map(([role, holder]) => [role, { ...holder, since: new Date(0) }])),
    }),
    'holders names who holds what since when, and leaves out what nobody holds',
  ),
  mutant(
    'takes spaces and underscores for one sign',
    (scheduler) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const lease = await scheduler.awaitRole(role, options)
        return role.includes('_') ? leaseOver(lease, { fence: { ...lease.fence, role: role.replaceAll('_', ' ') } }) : lease
      },
    }),
    'roles whose names look alike are apart',
  ),
  mutant(
    'renews the first hundred leases',
    (scheduler) => {
      let count = 0
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          return ++count > 100 ? leaseOver(lease, { isValid: () => false }) : lease
        },
      }
    },
    'very many roles are held by one instance',
  ),

  mutant(
    'calls every lease clean',
    leases(() => ({ unclean: false })),
    'the role of a dead instance goes to another one, marked as unclean',
  ),
  mutant(
    'takes itself for dead',
    (scheduler) => {
      const lost = new Set<string>()
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          lease.signal.addEventListener('abort', () => lost.add(role), { once: true })
          return lost.has(role) ? leaseOver(lease, { unclean: true }) : lease
        },
      }
    },
    'an instance that wins back what it has lost itself finds it clean',
  ),
  mutant(
    'names a dead instance for ever',
    (scheduler, { shared }) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const lease = await scheduler.awaitRole(role, options)
        shared.set(role, { instance: scheduler.instance, since: new Date(0) })
        return leaseOver(lease, {
          release: async () => {
            shared.delete(role)
            await lease.release()
          },
        })
      },
      holders: async (roles) => {
        const holders = new Map(await scheduler.holders(roles))
        for (const role of roles)
          if (!holders.has(role) && shared.has(role))
            holders.set(role, shared.get(role) as { readonly instance: string; readonly since: Date })
        return holders
      },
    }),
    'a dead instance is no holder after its lease',
  ),
  mutant(
    'does not tell who lost a lease',
    leases((lease) => ({ signal: never, isValid: () => lease.isValid() })),
    'a lease that was taken away ends for its holder before another one believes to have it for long',
    'closing tells the work in hand to stop',
  ),
  mutant(
    'does not look at the wall clock',
    (scheduler, { clock }) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const offset = clock.now() - clock.monotonic()
        const lease = await scheduler.awaitRole(role, options)
        return leaseOver(lease, { isValid: () => lease.isValid() || clock.now() - clock.monotonic() > offset + 1 })
      },
    }),
    'a lease is not valid when the wall clock says that it may have expired',
  ),
  mutant(
    'does not look at the monotonic clock',
    (scheduler, { clock }) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const offset = clock.now() - clock.monotonic()
        const lease = await scheduler.awaitRole(role, options)
        return leaseOver(lease, { isValid: () => lease.isValid() || clock.now() - clock.monotonic() < offset - 1 })
      },
    }),
    'a lease is not valid when the monotonic clock says that it may have expired',
  ),
  mutant(
    'ends without giving anything back',
    (scheduler) => {
      let closed = false
      return {
        ...scheduler,
        close: async () => {
          closed = true
        },
        awaitRole: (role, options) => (closed ? Promise.reject(new Error('closed')) : scheduler.awaitRole(role, options)),
      }
    },
    'closing gives every role back at once',
    'closing leaves nothing alive',
    'closing tells the work in hand to stop',
    'tokens go on growing after closing and opening again',
  ),
  mutant(
    'closes over the work in hand',
    (scheduler) => {
      let closing = false
      return {
        ...scheduler,
        close: () => {
          closing = true
          return scheduler.close()
        },
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          const own = new AbortController()
          lease.signal.addEventListener('abort', () => {
            if (!closing) own.abort()
          })
          return leaseOver(lease, { signal: own.signal })
        },
      }
    },
    'closing tells the work in hand to stop',
  ),
  mutant(
    'leaves a timer alive',
    (scheduler, { clock }) => {
      clock.setTimer(1e9, () => undefined)
      return scheduler
    },
    'closing leaves nothing alive',
  ),
  mutant(
    'begins its tokens anew when it starts',
    (scheduler, { shared }) => {
      const starts = Number(shared.get('starts') ?? 0)
      if (scheduler.instance === 'a') shared.set('starts', starts + 1)
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          return starts > 0 ? leaseOver(lease, { fence: { ...lease.fence, token: 1n } }) : lease
        },
      }
    },
    'tokens go on growing after closing and opening again',
    'a released role goes to the next one at once, with a greater token',
    'the role of a dead instance goes to another one, marked as unclean',
    'a lease that was taken away ends for its holder before another one believes to have it for long',
  ),

  mutant(
    'never asks anybody to move',
    leases(() => ({ yield: never })),
    'roles spread evenly over the instances that wait for them, within one',
    'an instance that joins gets its share, and the rest stays where it is',
    'a holder is asked softly to move, and keeps the role until it has released it',
    'newer code takes over from older code',
    'the roles of an instance that leaves go to the others, and the rest stays where it is',
    'roles of a dead instance spread over those that are left',
  ),
  mutant(
    'asks everybody to move when a third instance comes',
    (scheduler, { shared }) => {
      const asked = (shared.get('asked') ?? new Set<AbortController>()) as Set<AbortController>
      const instances = Number(shared.get('instances') ?? 0) + 1
      shared.set('asked', asked).set('instances', instances)
      if (instances === 3) for (const each of asked) each.abort()
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          const own = new AbortController()
          asked.add(own)
          return leaseOver(lease, { yield: AbortSignal.any([own.signal, lease.yield]) })
        },
      }
    },
    'an instance that joins gets its share, and the rest stays where it is',
  ),
  mutant(
    'loses one role of a dead instance',
    (scheduler, { shared }) => ({
      ...scheduler,
      awaitRole: async (role, options) => {
        const lease = await scheduler.awaitRole(role, options)
        if (lease.unclean && !shared.has('forgotten') && role !== 'orders/0') {
          shared.set('forgotten', role)
          return new Promise<never>(() => undefined)
        }
        return lease
      },
    }),
    'roles of a dead instance spread over those that are left',
  ),
  mutant(
    'asks for everything as soon as somebody waits',
    leases((lease, role) => {
      const asked = new AbortController()
      lease.yield.addEventListener('abort', () => asked.abort())
      return { yield: asked.signal, isValid: () => lease.isValid() && !(lease.yield.aborted && role.startsWith('orders')) }
    }),
    'a holder is asked softly to move, and keeps the role until it has released it',
    'newer code takes over from older code',
    'roles spread evenly over the instances that wait for them, within one',
    'the roles of an instance that leaves go to the others, and the rest stays where it is',
    'roles of a dead instance spread over those that are left',
  ),
  mutant(
    'asks for a role when an instance holds more than ten',
    (scheduler) => {
      let count = 0
      return {
        ...scheduler,
        awaitRole: async (role, options) => {
          const lease = await scheduler.awaitRole(role, options)
          return ++count > 10 &&
            scheduler.instance === 'a' &&
            role === 'orders/11' &&
            options.generation === 0 &&
            options.signal.constructor === AbortSignal
            ? leaseOver(lease, { yield: lost })
            : lease
        },
      }
    },
    'one instance alone is never asked to yield',
    'instances that want different roles leave each other alone',
  ),
  mutant(
    'does not look at generations',
    (scheduler) => ({ ...scheduler, awaitRole: (role, options) => scheduler.awaitRole(role, { ...options, generation: 0 }) }),
    'newer code takes over from older code',
  ),
]
