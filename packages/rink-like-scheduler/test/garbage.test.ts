/** Keys below the prefix that others wrote, or that came without their leases out of a copy: none stops anybody. */
import { describe, expect, test } from 'vitest'
import { Crew } from './crew.ts'
import { etcdUrl, putKey } from './etcd.ts'

const old = '00000000-0000-4000-8000-000000000000'
/** What could be under the key of a role. */
const values = ['', 'not JSON', 'null', '[]', '{"id":7}', '"text"']

describe.skipIf(etcdUrl === undefined)('keys that mean nothing', { timeout: 30_000 }, () => {
  const url = etcdUrl ?? ''

  test.concurrent.each(['before', 'while'])(
    'roles, wants, plans and members that cannot be read are as if not there, written %s members are',
    async (when) => {
      await using crew = new Crew({ endpoints: url, lease: '10s' })
      const [a, b] = [crew.open('a'), crew.open('b')]
      const write = async (): Promise<void> => {
        await Promise.all([
          ...values.map((value, index) => putKey(url, `${crew.prefix}//role/orders/${index}`, value)),
          ...values.map((value, index) => putKey(url, `${crew.prefix}//member/m${index}`, value)),
          ...['want', 'plan'].flatMap((kind) =>
            [...values, '[[0,{"numbered":{"orders/":"0-999999999999"}}]]'].flatMap((value, index) => [
              putKey(url, `${crew.prefix}//${kind}/m${index}/0`, value),
              putKey(url, `${crew.prefix}//${kind}/${old}/x${index}`, value),
            ]),
          ),
          putKey(url, `${crew.prefix}//plan`, ''),
        ])
      }
      if (when === 'while') await Promise.all([crew.ask(a, 'others/0'), crew.ask(b, 'others/1')])
      await write()
      const leases = await Promise.all(values.map((_, index) => crew.ask(index % 2 === 0 ? a : b, `orders/${index}`)))
      expect(leases.map((lease) => [lease.isValid(), lease.unclean])).toEqual(values.map(() => [true, false]))
      const known = await b.holders([...values.map((_, index) => `orders/${index}`), 'orders/99'])
      expect([...known.values()].map(({ instance }) => instance)).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    },
  )

  test.concurrent('what a copy of another store has left of its members, without their leases, is of nobody', async () => {
    await using crew = new Crew({ endpoints: url })
    const key = (rest: string): string => `${crew.prefix}//${rest}`
    const roles = '[[0,{"numbered":{"orders/":"0-9"}}]]'
    await putKey(url, key('domain'), 'copied')
    await putKey(url, key(`member/${old}`), '{"name":"old"}')
    for (const kind of ['want', 'plan']) await putKey(url, key(`${kind}/${old}/0`), roles)
    await putKey(url, key('role/orders/0'), JSON.stringify({ id: old, name: 'old', since: 1 }))
    const scheduler = crew.open('a')
    expect((await scheduler.holders(['orders/0'])).size).toBe(0)
    const leases = await Promise.all([crew.ask(scheduler, 'orders/0'), crew.ask(scheduler, 'orders/1')])
    // Whoever had it is not there any more, and has not given it back.
    expect(leases.map((lease) => [lease.isValid(), lease.unclean])).toEqual([
      [true, true],
      [true, false],
    ])
  })
})
