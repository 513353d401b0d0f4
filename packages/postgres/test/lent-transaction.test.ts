/** Work inside of a transaction cannot end it: then its rows would stay without the transition. */
import { isWorkflowError, unchecked, workflow } from '@workflow/core'
import { describe, expect, test } from 'vitest'
import type { PoolClient } from 'pg'
import { freshSchema, newest } from './database.ts'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const books = workflow('books', { object: unchecked<{ ends: string }>(), graph: { open: { step: ['posted'] }, posted: {} } })

describe.skipIf(newest === undefined)('a transactional step', { timeout: 30_000 }, () => {
  test.each(['COMMIT', 'ROLLBACK', 'BEGIN'])('that sends %s is paused and told why, and nothing of it stays', async (ends) => {
    await using place = freshSchema()
    const table = `"${place.schema}".ledger`
    const definition = books.transactional<PoolClient>().addStep('open', async (run) =>
      run.commit('posted', async (tx) => {
        await tx.query(`INSERT INTO ${table} VALUES ($1)`, [run.runId])
        await tx.query(run.object.ends)
      }),
    )
    await using app = definition.build({ ...place.open(), slots: 1, logger: silent })
    await app.run()
    await place.sql(`CREATE TABLE ${table} (run text)`)
    const runId = await app.trigger('b', { initialValue: { ends } })
    await expect.poll(async () => (await app.lookup(runId))?.state, { timeout: 20_000 }).toBe('Paused')
    expect((await app.explain(runId)).text).toContain(`'${ends}' does`)
    expect(await place.sql(`SELECT * FROM ${table}`)).toEqual([])
  })

  test('may have savepoints, and goes on after what it rolled back to one', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open()
    const { signal } = new AbortController()
    await recordStore.transaction?.(
      async (tx) => {
        await tx.query(`CREATE TABLE "${place.schema}".kept (n integer)`)
        await tx.query('SAVEPOINT here')
        await expect(tx.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' })
        await tx.query('ROLLBACK TO SAVEPOINT here')
        await tx.query(`INSERT INTO "${place.schema}".kept VALUES (1)`)
        const refused: unknown = await tx.query('COMMIT').catch((error: unknown) => error)
        expect(isWorkflowError(refused, 'InvalidArgument')).toBe(true)
      },
      { signal },
    )
    expect(await place.sql('SELECT n FROM {kept}')).toEqual([[1]])
  })

  test.each([
    ['a column that is not there', 'INSERT INTO {table} (nothing) VALUES (1)', '42703'],
    ['a row that is there already', "INSERT INTO {table} VALUES ('x')", '23505'],
  ])('whose own statement fails by %s is tried again like any other, and the error is the one of pg', async (_, sql, code) => {
    await using place = freshSchema()
    const table = `"${place.schema}".ledger`
    const seen: unknown[] = []
    const definition = books.transactional<PoolClient>().addStep(
      'open',
      async (run) => {
        if (run.attempt > 2) return 'posted'
        return run.commit('posted', async (tx) => {
          await tx.query(sql.replace('{table}', table)).catch((error: unknown) => {
            seen.push((error as { code?: unknown }).code)
            throw error
          })
        })
      },
      { errBackOff: '10ms' },
    )
    await using app = definition.build({ ...place.open(), slots: 1, logger: silent })
    await app.run()
    await place.sql(`CREATE TABLE ${table} (run text PRIMARY KEY)`)
    await place.sql(`INSERT INTO ${table} VALUES ('x')`)
    await app.awaitCompletion(await app.trigger('b', { initialValue: { ends: '' } }), { timeout: '10s' })
    expect(seen).toEqual([code, code])
  })

  test('hears of a refusal also where a library has put an error of its own around it', async () => {
    await using place = freshSchema()
    const { recordStore } = place.open()
    const { signal } = new AbortController()
    const work = async (tx: PoolClient): Promise<void> => {
      await tx.query('COMMIT').catch((cause: unknown) => {
        throw new Error('failed query', { cause })
      })
    }
    await expect(recordStore.transaction?.(work, { signal })).rejects.toSatisfy((error) => isWorkflowError(error, 'InvalidArgument'))
  })
})
