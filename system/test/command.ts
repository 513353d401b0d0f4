/**
 * The test of the whole at length:
 * `pnpm crash:system --broker kafka|nats [--roles etcd|postgres] [--runs 10000] [--workers 4] [--cycles 42] [--seed n] [--rate 40]
 * [--lease 3s] [--calm 3000] [--members 3] [--minutes 60] [--only "worker killed,worker paused"] [--keep]`. Ends with 1 if a promise was broken.
 */
import type { Duration } from '@workflow/core'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tableOf } from './moves.ts'
import { type BrokerKind, brokerKinds, type RoleKind, roleKinds } from './servers.ts'
import { systemRun } from './system-run.ts'

const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: 'nats' },
    roles: { type: 'string', default: 'etcd' },
    runs: { type: 'string', default: '10000' },
    workers: { type: 'string', default: '4' },
    cycles: { type: 'string', default: '42' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rate: { type: 'string', default: '40' },
    lease: { type: 'string', default: '3s' },
    calm: { type: 'string', default: '3000' },
    members: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    minutes: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
  },
})

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new Error(`--${name} is one of ${choices.join(', ')}`)
  return found
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

const broker: BrokerKind = oneOf('broker', values.broker, brokerKinds)
const roles: RoleKind = oneOf('roles', values.roles, roleKinds)
const members = Number(values.members)
const folder = mkdtempSync(join(tmpdir(), 'workflow-system-'))
say(`seed ${values.seed}: Postgres, ${broker}, roles on ${roles}; ${values.cycles} misfortunes; logs in ${folder}`)
const startedMs = performance.now()
const { faults, incidents, recoveries, counts, enginePauses } = await systemRun({
  broker,
  roles,
  sizes: { nats: members, etcd: members },
  runs: Number(values.runs),
  workers: Number(values.workers),
  cycles: Number(values.cycles),
  happenMsMax: Number(values.minutes) * 60_000,
  seed: Number(values.seed),
  rate: Number(values.rate),
  // Checked where it is used.
  lease: values.lease as Duration,
  calmMs: Number(values.calm),
  folder,
  ...(values.only === '' ? {} : { kinds: values.only.split(',') }),
  progress: (text) => say(`${String(Math.round((performance.now() - startedMs) / 1_000)).padStart(5)} s  ${text}`),
})
writeFileSync(join(folder, 'recoveries.json'), JSON.stringify({ incidents, recoveries }))
say(JSON.stringify(counts))
say(tableOf(recoveries, incidents))
for (const pause of enginePauses) say(`paused by the engine: ${pause}`)
for (const fault of faults) say(fault)
say(`seed ${values.seed}: ${faults.length} faults`)
if (faults.length === 0 && !values.keep) rmSync(folder, { recursive: true })
else say(`what is left is in ${folder}`)
process.exitCode = faults.length === 0 ? 0 : 1
