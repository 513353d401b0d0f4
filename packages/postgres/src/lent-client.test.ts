import { isWorkflowError } from '@workflow/core'
import { describe, expect, test } from 'vitest'
import type { PgClient } from './driver.ts'
import { lentClient } from './lent-client.ts'

/** Remembers what it was sent. */
class Recorder {
  readonly sent: unknown[] = []
  async query(...given: unknown[]): Promise<{ rows: unknown[][]; rowCount: number }> {
    this.sent.push(given[0])
    return { rows: [], rowCount: 0 }
  }
  count(): number {
    return this.sent.length
  }
}

function lent(): { readonly recorder: Recorder; readonly client: PgClient & Recorder } {
  const recorder = new Recorder()
  return { recorder, client: lentClient(recorder as PgClient & Recorder) }
}

describe('a connection that is lent for a transaction', () => {
  test.each([
    'BEGIN',
    'begin isolation level serializable',
    'start transaction read only',
    'COMMIT',
    ' \n commit; ',
    '-- done\ncommit',
    '/* done */ END',
    'rollback',
    'ROLLBACK WORK',
    'abort',
    "PREPARE TRANSACTION 'x'",
  ])('sends no %j', async (text) => {
    const { recorder, client } = lent()
    for (const statement of [text, { text, rowMode: 'array' as const }]) {
      const error: unknown = await (client as PgClient).query(statement as string).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(isWorkflowError(error, 'InvalidArgument')).toBe(true)
    }
    expect(recorder.sent).toEqual([])
  })

  test.each([
    'SELECT 1',
    'SAVEPOINT a',
    'ROLLBACK TO SAVEPOINT a',
    'rollback work to a',
    'RELEASE a',
    'INSERT INTO commits VALUES (1)',
    'WITH begin AS (SELECT 1) SELECT * FROM begin',
    'PREPARE x AS SELECT 1',
    'ending',
  ])('sends %j', async (text) => {
    const { recorder, client } = lent()
    await client.query(text)
    expect(recorder.sent).toEqual([text])
  })

  test('tells a callback, too', async () => {
    const { recorder, client } = lent()
    const told = Promise.withResolvers<unknown>()
    void (client.query as (...given: unknown[]) => unknown).call(undefined, 'COMMIT', told.resolve)
    expect(isWorkflowError(await told.promise, 'InvalidArgument')).toBe(true)
    expect(recorder.sent).toEqual([])
  })

  test('is else what it was, with methods that know their connection', () => {
    const { client } = lent()
    expect([client.count(), client instanceof Recorder]).toEqual([0, true])
    const counted = [1].map(Reflect.get(client, 'count') as () => number)
    expect(counted).toEqual([0])
  })
})
