/** What has been deleted, or is about to be, never leaves; what cannot be read is told, and spoils nothing around it. */
import { describe, expect, test } from 'vitest'
import { rowsOf } from '../../test/csv-reading.ts'
import { laterClient, type OrderShop, orderShop, textOf } from '../../test/exported-orders.ts'
import { readXes } from '../../test/xes-reading.ts'
import { Shredded } from '../errors.ts'
import { jsonCodec } from '../adapter/json-codec.ts'
import type { PayloadKind } from '../ports/codec.ts'
import { exportHistory, type ExportProblem, type ExportSource } from './index.ts'

const secret = /secret/
const bob = { reason: 'secret reason', actor: 'bob' }

/** Nothing in the memory can be changed by hand but by its own means of rewriting. */
async function spoil(shop: OrderShop, runId: string, kind: PayloadKind, version: number): Promise<void> {
  await shop.ports.recordStore.rewrite(runId, async (payload, place) =>
    place.kind === kind && place.version === version ? { ...payload, bytes: new TextEncoder().encode('{"broken') } : payload,
  )
}

async function secretOrder(shop: OrderShop): Promise<string> {
  const runId = await shop.reach('a', 'paid', { card: 'secret card' })
  await shop.client.cancel(runId, bob)
  return runId
}

describe('deleted data', () => {
  test.each(['csv', 'xes'] as const)('is not in a log as %s, while what happened still is', async (format) => {
    await using shop = await orderShop()
    const runId = await secretOrder(shop)
    expect(await textOf(exportHistory(shop.client, { format, objects: true }))).toMatch(secret)
    await shop.client.deleteData(runId, bob)
    while ((await shop.client.lookup(runId))?.state !== 'DataDeleted') await new Promise((resolve) => void setImmediate(resolve))
    const text = await textOf(exportHistory(shop.client, { format, objects: true }))
    expect(text).not.toMatch(secret)
    expect(text).toMatch(/cancel[^]*request data deletion[^]*delete data/)
  })

  test('is withheld as soon as its deletion is requested, though nobody has carried it out', async () => {
    await using shop = await orderShop()
    const runId = await secretOrder(shop)
    await shop.app.stop()
    await shop.client.deleteData(runId, bob)
    expect(JSON.stringify((await shop.client.history(runId, { objects: true })).items)).toMatch(secret)
    const seen: unknown[] = []
    const redact = { object: (object: unknown) => void seen.push(object) }
    const text = await textOf(exportHistory(shop.client, { format: 'csv', objects: true, redact }))
    expect(text).not.toMatch(secret)
    expect(rowsOf(text).map((row) => row['reason'])).toEqual(['', '', '(deleted)', '(deleted)'])
    expect(seen).toEqual([])
  })

  test('is withheld if the request comes after the run was listed', async () => {
    await using shop = await orderShop()
    const runId = await secretOrder(shop)
    await shop.app.stop()
    const late: ExportSource = {
      contract: shop.client.contract,
      list: async () => {
        const page = await shop.client.list()
        await shop.client.deleteData(runId, bob)
        return page
      },
      history: (id, query) => shop.client.history(id, query),
    }
    const text = await textOf(exportHistory(late, { format: 'csv', objects: true }))
    expect(text).not.toMatch(secret)
    expect(rowsOf(text).map((row) => row['case_state'])).toEqual(['Cancelled', 'Cancelled', 'Cancelled'])
  })

  test('by a key that was forgotten is left out, and marked', async () => {
    const json = jsonCodec
    let forgotten = false
    const decode: typeof json.decode = (payload, context) => {
      if (forgotten && context.kind === 'object') throw new Shredded('the key is gone')
      return json.decode(payload, context)
    }
    await using shop = await orderShop({ codec: { ...json, decode } })
    await shop.reach('a', 'paid', { card: 'secret card' })
    forgotten = true
    const rows = rowsOf(await textOf(exportHistory(shop.client, { format: 'csv', objects: true })))
    expect(rows.map((row) => [row['object'], row['object_problem']])).toEqual([
      ['', 'Shredded'],
      ['', 'Shredded'],
    ])
  })
})

describe('what cannot be read', () => {
  test('of objects leaves its own entry without one, marked by the code alone; the others keep theirs', async () => {
    await using shop = await orderShop()
    const runId = await shop.reach('a', 'paid')
    for (let i = 0; i < 30; i++) await shop.client.callback({ runId }, 'paid', { to: 'paid' }, { wait: true })
    for (const version of [1, 20, 32]) await spoil(shop, runId, 'object', version)
    const told: ExportProblem[] = []
    const rows = rowsOf(
      await textOf(exportHistory(shop.client, { format: 'csv', objects: true, onProblem: (problem) => told.push(problem) })),
    )
    expect(rows.map((row) => row['version'])).toEqual(Array.from({ length: 32 }, (_, i) => String(i + 1)))
    for (const row of rows) {
      const broken = ['1', '20', '32'].includes(row['version'] ?? '')
      expect([row['object'] === '', row['object_problem']]).toEqual([broken, broken ? 'StoreCorrupt' : ''])
    }
    expect(told).toMatchObject(
      [1, 20, 32].map((version) => ({
        kind: 'object-unreadable',
        runId,
        version,
        error: expect.objectContaining({ code: 'StoreCorrupt' }),
      })),
    )
    // Nobody has to listen; and without objects there is nothing to tell.
    expect(
      readXes(await textOf(exportHistory(shop.client, { format: 'xes', objects: true }))).traces[0]?.events[0]?.get('object_problem')
        ?.value,
    ).toBe('StoreCorrupt')
    expect(await textOf(exportHistory(shop.client, { format: 'csv' }))).not.toContain('StoreCorrupt')
  })

  test('of reasons ends the export, and says where and what would leave it out', async () => {
    await using shop = await orderShop()
    await shop.reach('first', 'sent')
    const runId = await secretOrder(shop)
    await spoil(shop, runId, 'reason', 3)
    const log = exportHistory(shop.client, { format: 'csv', query: { order: 'oldest' } })
    await expect(textOf(log)).rejects.toMatchObject({
      code: 'StoreCorrupt',
      retryable: false,
      details: { runId, version: 3, runs: 1, entries: 5 },
      message: expect.stringMatching(/its history cannot be read from version 3 on: .*Give onProblem to leave out what cannot be read/),
    })
  })

  test('of reasons is left out where somebody is told, and the other runs are exported', async () => {
    await using shop = await orderShop()
    const runId = await secretOrder(shop)
    await shop.reach('later', 'sent')
    await spoil(shop, runId, 'reason', 3)
    const told: ExportProblem[] = []
    const text = await textOf(exportHistory(shop.client, { format: 'xes', objects: true, onProblem: (problem) => told.push(problem) }))
    expect(readXes(text).traces.map(({ events }) => events.length)).toEqual([3, 2])
    expect(told).toMatchObject([{ kind: 'history-unreadable', runId, foreignId: 'a', version: 3 }])
  })

  test.each<readonly [string, () => unknown, string, string]>([
    [
      'an upcast that throws',
      () => {
        throw new TypeError('secret is no number')
      },
      '',
      'Error',
    ],
    ['a value that JSON cannot hold', () => ({ toJSON: () => JSON.parse('secret') as unknown }), '', 'NotSerializable'],
    ['a bigint, a set and a map', () => ({ n: 1n, s: new Set([1]), m: new Map([[1, 2n]]) }), '{"n":"1","s":[1],"m":[[1,"2"]]}', ''],
  ])('is marked where it must be, as for %s', async (_, upcast, object, problem) => {
    await using shop = await orderShop()
    await shop.reach('a', 'sent')
    const later = laterClient(shop, upcast)
    // Listed by the code that wrote them: this is about histories.
    const source = { contract: later.contract, list: () => shop.client.list(), history: later.history.bind(later) }
    const text = await textOf(exportHistory(source, { format: 'csv', objects: true }))
    expect(rowsOf(text).map((row) => [row['object'], row['object_problem']])).toEqual(Array.from({ length: 3 }, () => [object, problem]))
    expect(text).not.toMatch(secret)
  })
})
