/** The test of the whole in its short form. At length: `pnpm crash:system`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { brokerKinds, canStart } from './servers.ts'
import { systemRun } from './system-run.ts'

const startable = new Set<string>()
for (const kind of brokerKinds) if (await canStart(kind)) startable.add(kind)

describe('records in Postgres, roles on etcd, events', () => {
  test
    .skipIf(!startable.has('kafka'))
    .concurrent('on Kafka: whatever fails, no promise is broken', { timeout: 300_000 }, () =>
      keepsPromises('kafka', ['worker left in good order', 'Kafka killed and started']),
    )

  test
    .skipIf(!startable.has('nats'))
    .concurrent('on NATS: whatever fails, no promise is broken', { timeout: 300_000 }, () =>
      keepsPromises('nats', ['worker killed', 'etcd paused']),
    )
})

async function keepsPromises(broker: 'kafka' | 'nats', misfortunes: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'workflow-system-'))
  const { faults, counts, incidents } = await systemRun({
    broker,
    roles: 'etcd',
    sizes: { nats: 1, etcd: 1 },
    runs: 150,
    workers: 2,
    cycles: misfortunes.length,
    seed: 20_261_121,
    rate: 20,
    lease: '2s',
    calmMs: 200,
    folder,
    kinds: misfortunes,
  }).finally(() => rmSync(folder, { recursive: true, force: true }))
  expect(faults).toEqual([])
  expect(counts['runs']).toBeGreaterThanOrEqual(150)
  expect(counts['transitions']).toBeGreaterThan(600)
  expect(counts['rivalsRefused']).toBeGreaterThan(0)
  expect(incidents.length).toBeGreaterThanOrEqual(misfortunes.length + 1)
}
