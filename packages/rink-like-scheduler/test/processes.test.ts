/** Members as they are in production: each a process, some of which are killed. */
import { afterEach, describe, expect, test } from 'vitest'
import { etcdUrl, freshPrefix } from './etcd.ts'
import { isEven, MemberChild } from './member-child.ts'

const members: MemberChild[] = []
const roles = 24

function start(prefix: string, ...names: readonly string[]): readonly MemberChild[] {
  const started = names.map((name) => new MemberChild([etcdUrl ?? ''], prefix, name, roles))
  members.push(...started)
  return started
}

async function even(of: readonly MemberChild[], withinMs: number): Promise<void> {
  await expect.poll(() => isEven(of, roles), { timeout: withinMs, interval: 10 }).toBe(true)
}

afterEach(async () => {
  await Promise.all(members.splice(0).map((member) => member.kill()))
})

describe.skipIf(etcdUrl === undefined)('members that are processes', { timeout: 60_000 }, () => {
  test('of one that is killed the roles go to the others when its lease has run out, also when it was the one that makes the plans', async () => {
    const prefix = freshPrefix()
    const [first, ...others] = start(prefix, 'a', 'b', 'c')
    await even(members, 30_000)
    for (const [victim, left] of [[others[0], [first, others[1]]] as const, [first, [others[1]]] as const]) {
      const living = left.filter((one) => one !== undefined)
      const since = performance.now()
      await victim?.kill()
      await even(living, 20_000)
      // The lease has 3 s; the measurements in docs/performance.md are of a machine that does nothing else.
      expect(performance.now() - since).toBeLessThan(8_000)
      expect(living.map(({ report }) => report.lost)).toEqual(living.map(() => 0))
    }
  })

  test('one that is paused for longer than its lease loses what it had, and gets its share anew', async () => {
    const prefix = freshPrefix()
    const all = start(prefix, 'a', 'b')
    await even(all, 30_000)
    const [paused, other] = all
    paused?.process.kill('SIGSTOP')
    await expect.poll(() => other?.report.held, { timeout: 10_000 }).toBe(roles)
    paused?.process.kill('SIGCONT')
    await expect.poll(() => paused?.report.lost, { timeout: 10_000 }).toBe(roles / 2)
    await even(all, 10_000)
    expect(other?.report.lost).toBe(0)
  })

  test('one that leaves in good order is replaced at once, and ends', async () => {
    const prefix = freshPrefix()
    const [leaving, ...others] = start(prefix, 'a', 'b')
    await even(members, 30_000)
    const since = performance.now()
    await leaving?.leave()
    await even(others, 10_000)
    expect(performance.now() - since).toBeLessThan(2_500)
    expect(leaving?.process.exitCode).toBe(0)
  })
})
