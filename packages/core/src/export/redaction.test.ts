/** Nothing that a hook takes out leaves, whatever the hook does. */
import { expect, test } from 'vitest'
import { rowsOf } from '../../test/csv-reading.ts'
import { orderShop, textOf } from '../../test/exported-orders.ts'
import { exportHistory, type Redaction } from './index.ts'

const secret = /secret/
const formats = ['csv', 'xes'] as const

/** A shop with one order that has a secret in every text that a user can fill. */
async function secretShop() {
  const shop = await orderShop()
  const runId = await shop.reach('secret id', 'paid', { card: 'secret card' }, 'secret region')
  await shop.client.cancel(runId, { reason: 'secret reason', actor: 'secret actor' })
  return shop
}

const hidden: Redaction = {
  run: (run) => ({ ...run, foreignId: 'order', metadata: { region: 'hidden' } }),
  object: (object) => ({ ...(object as object), card: '4…1' }),
  entry: async (entry) => ({ ...entry, ...(entry.actor === undefined ? undefined : { actor: 'someone', reason: 'hidden' }) }),
}

test.each(formats)('%s has what the hooks have left', async (format) => {
  await using shop = await secretShop()
  expect(await textOf(exportHistory(shop.client, { format, objects: true }))).toMatch(secret)
  const text = await textOf(exportHistory(shop.client, { format, objects: true, redact: hidden }))
  expect(text).not.toMatch(secret)
  for (const kept of ['order', 'hidden', '4…1', 'someone', 'step created']) expect(text).toContain(kept)
})

test('hooks are given what the store has, once per run and once per entry', async () => {
  await using shop = await secretShop()
  const seen: string[] = []
  const redact: Redaction = {
    run: (run) => {
      seen.push(`run ${run.foreignId} ${'object' in run}`)
      return { ...run, foreignId: 'x' }
    },
    object: (object, { version }, run) => {
      seen.push(`object ${version} of ${run.foreignId} ${JSON.stringify(object)}`)
      return undefined
    },
    entry: (entry, run) => {
      seen.push(`entry ${entry.version} of ${run.foreignId} ${String(entry.object)}`)
      return entry
    },
  }
  const rows = rowsOf(await textOf(exportHistory(shop.client, { format: 'csv', objects: true, redact })))
  const card = '{"cents":100,"card":"secret card"}'
  const entries = [1, 2, 3].flatMap((version) => [`object ${version} of secret id ${card}`, `entry ${version} of secret id undefined`])
  expect(seen).toEqual(['run secret id false', ...entries])
  expect(rows.map((row) => row['object'])).toEqual(['', '', ''])
})

const broken: readonly (readonly [string, Redaction, RegExp])[] = [
  [
    'run',
    {
      run: () => {
        throw new Error('no key')
      },
    },
    /redact\.run for run .* of workflow 'orders' failed: no key/,
  ],
  ['object', { object: async () => await Promise.reject(new Error('no key')) }, /redact\.object for version 1 of run .* failed: no key/],
  [
    'entry',
    {
      entry: () => {
        throw new Error('no key')
      },
    },
    /redact\.entry for version 1 of run/,
  ],
  ['run that gives nothing', { run: (() => undefined) as never }, /redact\.run for run .* must give back a run; got undefined/],
  ['run without an id', { run: (run) => ({ ...run, runId: undefined }) as never }, /must give back a run; got runId: undefined/],
  ['run with odd metadata', { run: (run) => ({ ...run, metadata: { a: 1 } as never }) }, /got metadata: an object/],
  ['entry that gives nothing', { entry: (() => undefined) as never }, /must give back an entry; got undefined/],
  ['entry without a time', { entry: (entry) => ({ ...entry, at: new Date(Number.NaN) }) }, /got at: Invalid Date|got at: an object/],
  ['entry with an odd reason', { entry: (entry) => ({ ...entry, reason: { text: 'x' } as never }) }, /got reason: an object/],
  ['entry with an odd error', { entry: (entry) => ({ ...entry, error: { name: 'x' } as never }) }, /got error: an object/],
]

test.each(broken)('a hook that breaks ends the export before anything of what it was given has left: %s', async (_, redact, text) => {
  await using shop = await secretShop()
  for (const format of formats) {
    let given = ''
    const taking = async (): Promise<void> => {
      for await (const chunk of exportHistory(shop.client, { format, objects: true, redact: { ...hidden, ...redact } })) given += chunk
    }
    await expect(taking()).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringMatching(text),
      details: { runs: 0, entries: 0 },
    })
    expect(given).not.toMatch(secret)
  }
})
