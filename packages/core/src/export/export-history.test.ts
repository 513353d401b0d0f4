/** What an export says, compared with what the workflow itself says. */
import { describe, expect, test } from 'vitest'
import { rowsOf, unguarded } from '../../test/csv-reading.ts'
import { type OrderShop, orderShop, textOf } from '../../test/exported-orders.ts'
import { LogSource } from '../../test/log-source.ts'
import { readXes } from '../../test/xes-reading.ts'
import { type ExportOptions, exportHistory, type ExportSource } from './index.ts'

const ann = { reason: '=1+1, "look"\nat it', actor: 'ann' }

/** Orders in every way that a history can go on. */
async function seeded(shop: OrderShop): Promise<void> {
  await shop.reach('sent', 'sent')
  await shop.reach('refused', 'refused', {}, 'us')
  const paused = await shop.reach('paused', 'paid')
  await shop.client.pause(paused, ann)
  const resumed = await shop.reach('resumed', 'paid')
  await shop.client.pause(resumed, ann)
  await shop.client.resume(resumed, ann)
  await shop.client.callback({ runId: resumed }, 'paid', { to: 'paid' }, { wait: true })
  const cancelled = await shop.reach('cancelled', 'paid')
  await shop.client.cancel(cancelled, ann)
  const failed = await shop.client.trigger('failed', { initialValue: { cents: -1, card: '4000' } })
  while ((await shop.client.lookup(failed))?.state !== 'Paused') await new Promise((resolve) => void setImmediate(resolve))
}

describe('a log of a workflow', () => {
  test.each(['a client without handlers', 'the workflow'])('from %s has every entry of every history, in both formats', async (from) => {
    await using shop = await orderShop()
    await seeded(shop)
    const source = from === 'the workflow' ? shop.app : shop.client
    const rows = rowsOf(await textOf(exportHistory(source, { format: 'csv', objects: true })))
    const { traces } = readXes(await textOf(exportHistory(source, { format: 'xes', objects: true })))
    const runs = (await shop.client.list()).items
    expect(traces.map(({ attributes }) => attributes.get('concept:name')?.value)).toEqual(runs.map(({ runId }) => runId))
    let next = 0
    for (const [i, run] of runs.entries()) {
      const { items } = await shop.client.history(run.runId, { objects: true })
      const trace = traces[i]!
      expect(trace.attributes.get('status')?.value).toBe(run.status)
      expect(trace.attributes.get('metadata.region')?.value).toBe(run.metadata['region'])
      expect(trace.events).toHaveLength(items.length)
      for (const [k, entry] of items.entries()) {
        const row = rows[next++]!
        const event = trace.events[k]!
        const both = {
          version: String(entry.version),
          from: entry.from ?? '',
          to: entry.to,
          by: entry.by,
          state: entry.states.at(-1),
          states: entry.states.join(' '),
          attempt: String(entry.attempt),
          instance: entry.instance,
          actor: entry.actor ?? '',
          reason: entry.reason ?? '',
          error: entry.error === undefined ? '' : `${entry.error.name}: ${entry.error.message}`,
          object: JSON.stringify(entry.object),
        }
        expect(Object.fromEntries(Object.keys(both).map((key) => [key, unguarded(row[key] ?? '')]))).toEqual(both)
        expect(Object.fromEntries(Object.keys(both).map((key) => [key, event.get(key)?.value ?? '']))).toEqual(both)
        const named = [row['activity'], row['timestamp'], row['lifecycle'], row['resource']]
        expect(named.slice(1)).toEqual([entry.at.toISOString(), expect.any(String), entry.actor ?? entry.instance])
        expect(['concept:name', 'time:timestamp', 'lifecycle:transition', 'org:resource'].map((key) => event.get(key)?.value)).toEqual(
          named,
        )
        expect([row['case_id'], row['foreign_id'], row['case_status'], row['case_state'], row['workflow']]).toEqual([
          run.runId,
          run.foreignId,
          run.status,
          run.state,
          'orders',
        ])
      }
    }
    expect(next).toBe(rows.length)
    const byId = (foreignId: string): readonly (string | undefined)[] =>
      rows.filter((row) => row['foreign_id'] === foreignId).map((row) => row['activity'])
    expect(byId('resumed')).toEqual(['trigger', 'step created', 'pause', 'resume', 'callback paid'])
    expect(byId('cancelled')).toEqual(['trigger', 'step created', 'cancel'])
    expect(byId('failed')).toEqual(['trigger', 'pause'])
  })

  test('has the runs that the same query lists, in its order', async () => {
    await using shop = await orderShop()
    await seeded(shop)
    for (const query of [
      {},
      { status: 'paid' as const },
      { state: ['Paused', 'Cancelled'] as const },
      { foreignId: 'sent' },
      { metadata: { region: 'us' } },
      { order: 'oldest' as const },
      { status: [] as const },
    ]) {
      const { items } = await shop.client.list(query)
      const { traces } = readXes(await textOf(exportHistory(shop.client, { format: 'xes', query })))
      expect(traces.map(({ attributes }) => attributes.get('foreign_id')?.value)).toEqual(items.map(({ foreignId }) => foreignId))
    }
  })

  test('without runs is a header, or a log without traces', async () => {
    await using shop = await orderShop()
    expect(rowsOf(await textOf(exportHistory(shop.client, { format: 'csv' })))).toEqual([])
    expect(readXes(await textOf(exportHistory(shop.client, { format: 'xes' }))).traces).toEqual([])
  })

  test('has no objects unless they are asked for', async () => {
    await using shop = await orderShop()
    await shop.reach('sent', 'sent', { card: 'secret-card' })
    for (const format of ['csv', 'xes'] as const) {
      expect(await textOf(exportHistory(shop.client, { format }))).not.toMatch(/secret-card|object/)
      expect(await textOf(exportHistory(shop.client, { format, objects: true }))).toContain('secret-card')
    }
  })

  test('shows a run as it was listed, also if it moves before its history is read', async () => {
    await using shop = await orderShop()
    const runId = await shop.reach('a', 'paid')
    const moving: ExportSource = {
      contract: shop.client.contract,
      list: (query) => shop.client.list(query as object),
      history: async (id, query) => {
        if ((await shop.client.lookup(runId))?.state !== 'Cancelled') await shop.client.cancel(runId, ann)
        return await shop.client.history(id, query)
      },
    }
    const rows = rowsOf(await textOf(exportHistory(moving, { format: 'csv' })))
    expect(rows.map((row) => [row['version'], row['case_state']])).toEqual([
      ['1', 'Running'],
      ['2', 'Running'],
    ])
  })
})

describe('what is given', () => {
  test('as bytes is the same as text', async () => {
    await using shop = await orderShop()
    await shop.reach('größe 😀', 'sent')
    const log = exportHistory(shop.client, { format: 'xes' })
    const response = new Response(log.stream(), { headers: { 'content-type': log.contentType } })
    const text = await response.text()
    expect(text).toBe(await textOf(log))
    expect(text).toContain('größe 😀')
    expect(response.headers.get('content-type')).toBe('application/xml; charset=utf-8')
  })

  test('can be taken again, from the start', async () => {
    await using shop = await orderShop()
    const log = exportHistory(shop.client, { format: 'csv' })
    await shop.reach('a', 'sent')
    const first = await textOf(log)
    await shop.reach('b', 'sent')
    expect([rowsOf(first).length, rowsOf(await textOf(log)).length]).toEqual([3, 6])
  })

  test('as a stream reads nothing before it is read, and no more once it is cancelled', async () => {
    const source = new LogSource({ runs: 100_000 })
    const stream = exportHistory(source, { format: 'csv' }).stream()
    await new Promise((resolve) => void setImmediate(resolve))
    expect(source.listed).toBe(0)
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel()
    const { length } = source.asked
    await new Promise((resolve) => void setImmediate(resolve))
    expect(source.asked.length).toBe(length)
    expect(length).toBeLessThan(1_000)
  })

  test('as a stream fails as the text does', async () => {
    const reason = new Error('enough')
    const stream = exportHistory(new LogSource({ runs: 1 }), { format: 'csv', signal: AbortSignal.abort(reason) }).stream()
    await expect(stream.getReader().read()).rejects.toBe(reason)
  })
})

describe('a call that cannot be', () => {
  test.each<readonly [string, object | undefined, RegExp]>([
    ['no options', undefined, /workflow 'made-up': the options must be an object; got undefined/],
    ['an unknown format', { format: 'json' }, /format must be 'csv' or 'xes'; got "json"/],
    ['no format', {}, /format must be 'csv' or 'xes'; got undefined/],
    ['an unknown option', { format: 'csv', object: true }, /has no 'object'\. Did you mean 'objects'\?/],
    ['objects that is no switch', { format: 'csv', objects: 'yes' }, /objects must be true or false; got "yes"/],
    ['a query with a limit', { format: 'csv', query: { limit: 10 } }, /query has no 'limit'/],
    ['a query that is none', { format: 'csv', query: [] }, /query must be an object; got an array/],
    ['a function to redact', { format: 'csv', redact: () => undefined }, /redact must be an object; got a function/],
    ['an unknown hook', { format: 'csv', redact: { entrys: () => undefined } }, /redact has no 'entrys'\. Did you mean 'entry'\?/],
    ['a hook that is none', { format: 'csv', redact: { run: 'x' } }, /redact\.run must be a function; got "x"/],
    ['no concurrency', { format: 'csv', concurrency: 0 }, /concurrency must be a whole number from 1 to 64; got 0/],
    ['too much concurrency', { format: 'csv', concurrency: 65 }, /got 65/],
    ['a signal that is none', { format: 'csv', signal: {} }, /signal must be an AbortSignal; got an object/],
    ['onProblem that is none', { format: 'csv', onProblem: {} }, /onProblem must be a function/],
    ['onProgress that is none', { format: 'csv', onProgress: 1 }, /onProgress must be a function/],
  ])('with %s is refused at once', (_, options, text) => {
    // The cast holds because the point is what the compiler refuses.
    expect(() => exportHistory(new LogSource({ runs: 1 }), options as ExportOptions)).toThrow(text)
    expect(() => exportHistory(new LogSource({ runs: 1 }), options as ExportOptions)).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    )
  })

  test('for something that has no runs says what has', async () => {
    await using shop = await orderShop()
    const needs = /needs a workflow or a client, as build\(\) and client\(\) make them; got an object/
    expect(() => exportHistory(shop.client.contract as never, { format: 'csv' })).toThrow(needs)
    expect(() => exportHistory(undefined as never, { format: 'csv' })).toThrow(/got undefined/)
  })

  test('with a query that list refuses rejects as list does, once it is taken', async () => {
    await using shop = await orderShop()
    const log = exportHistory(shop.client, { format: 'csv', query: { status: 'sended' } })
    await expect(textOf(log)).rejects.toMatchObject({ code: 'InvalidArgument', message: expect.stringContaining('sended') })
  })
})
