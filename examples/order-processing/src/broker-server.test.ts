import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { assertAvailable } from '../test/broker-program.ts'
import { brokerServer, forgetServer } from './broker-server.ts'

function memory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orders-'))
  const file = join(folder, 'orders.nats.json')
  onTestFinished(async () => {
    await forgetServer('nats', file)
    rmSync(folder, { recursive: true })
    vi.unstubAllEnvs()
  })
  vi.stubEnv('WORKFLOW_TEST_NATS_URL', undefined)
  return file
}

test('a server of its own is found again, started again, and made anew where nothing is left of it', async (context) => {
  await assertAvailable('nats', context)
  const file = memory()
  const first = await brokerServer('nats', file, undefined)
  const found = await brokerServer('nats', file, undefined)
  expect([found.url, found.prefix]).toEqual([first.url, first.prefix])
  await first.stop()
  const again = await brokerServer('nats', file, undefined)
  expect([again.url, again.prefix]).toEqual([first.url, first.prefix])
  await again.stop()
  const { place } = JSON.parse(readFileSync(file, 'utf8')) as { readonly place: { readonly folder: string } }
  rmSync(place.folder, { recursive: true })
  const anew = await brokerServer('nats', file, undefined)
  expect(anew.prefix).not.toBe(first.prefix)
  expect(anew.origin).toBe('a server of its own')
})

test('a server that somebody names is taken as it is, under names that stay', async () => {
  const file = memory()
  const named = await brokerServer('nats', file, 'nats://127.0.0.1:1')
  vi.stubEnv('WORKFLOW_TEST_NATS_URL', 'nats://127.0.0.1:2')
  const again = await brokerServer('nats', file, undefined)
  expect([named.url, again.url]).toEqual(['nats://127.0.0.1:1', 'nats://127.0.0.1:2'])
  expect(again.prefix).toBe(named.prefix)
})
