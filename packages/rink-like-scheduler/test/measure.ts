/**
 * `node --conditions=@workflow/source packages/rink-like-scheduler/test/measure.ts [roles] [members]`: how long roles take to
 * spread and to move, and what idle schedulers ask of etcd. Each member is a process.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { installEtcd } from '../../../scripts/services/etcd-binaries.ts'
import { startEtcd } from '../../../scripts/services/etcd-server.ts'
import { isEven, MemberChild } from './member-child.ts'

const [roles, size] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 20)]
const server = await startEtcd(await installEtcd(), { durable: true, electionMs: 1_000 })
const members: MemberChild[] = []
const join = (): number => members.push(new MemberChild([server.url], 'measure', `m${members.length}`, roles))
const sum = (of: (member: MemberChild) => number): number => members.reduce((all, member) => all + of(member), 0)

async function even(what: string, since = performance.now()): Promise<void> {
  const taken = sum(({ report }) => report.taken)
  while (!isEven(members, roles)) await pause(5)
  const lost = sum(({ report }) => report.lost)
  console.log(
    `${what}: ${Math.round(performance.now() - since)} ms, ${sum(({ report }) => report.taken) - taken} roles taken, ${lost} leases lost so far`,
  )
}

async function requests(): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  return [...text.matchAll(/^grpc_server_handled_total\{.*\} (\S+)$/gm)].reduce((all, [, count]) => all + Number(count), 0)
}

async function cpuMs(): Promise<number> {
  for (const member of members) member.ask()
  await pause(500)
  return sum(({ report }) => report.cpuMs)
}

try {
  for (let index = 0; index < size; index++) join()
  await even(`${size} members start on ${roles} roles (with the start of ${size} processes)`)
  join()
  await even('one more joins (with the start of its process)')
  let since = performance.now()
  await members.pop()?.leave()
  await even('it leaves', since)
  await pause(3_000)
  const [before, cpu] = [await requests(), await cpuMs()]
  await pause(10_000)
  const [after, cpuAfter] = [await requests(), await cpuMs()]
  const memory = Math.round(sum(({ report }) => report.memory) / size / 1e6)
  console.log(
    `idle: ${(after - before) / 10.5} requests/s in all, ${((cpuAfter - cpu) / 105 / size).toFixed(2)} % of a core and ${memory} MB each`,
  )
  for (const victim of ['some', 'the one that makes the plans'] as const) {
    since = performance.now()
    await (victim === 'some' ? members.pop() : members.shift())?.kill()
    await even(`kill -9 of ${victim}`, since)
  }
} finally {
  await Promise.all(members.map((member) => member.kill()))
  server.remove()
}
