/** The engine on records in SQLite and roles on etcd. */
import { sqlite } from '@workflow/sqlite'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { enginePromises } from '../../testing/test/database/engine-promises.ts'
import { errandsOf, mixed } from './errands.ts'
import { etcdUrl, freshPrefix } from './etcd.ts'

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'workflow-rink-'))

describe.skipIf(etcdUrl === undefined)('on records of SQLite and roles of etcd', { timeout: 60_000 }, () => {
  const url = etcdUrl ?? ''

  enginePromises(() => {
    const [folder, prefix] = [temporaryFolder(), freshPrefix()]
    return {
      open: (instance) => mixed(join(folder, 'workflow.db'), url, prefix, instance),
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
    }
  })

  test('of three workers two are killed while they work: every run is done, each transition once', async () => {
    const [folder, prefix] = [temporaryFolder(), freshPrefix()]
    const file = join(folder, 'workflow.db')
    const start = async (name: string): Promise<ChildProcess> => {
      const worker = fork(new URL('engine-worker.ts', import.meta.url), [file, url, prefix, name], {
        execArgv: ['--conditions=@workflow/source'],
      })
      await once(worker, 'message')
      return worker
    }
    const db = sqlite({ file })
    const client = errandsOf(db)
    const workers = await Promise.all(['a', 'b', 'c'].map(start))
    const kill = async (worker: ChildProcess | undefined): Promise<void> => {
      worker?.kill('SIGKILL')
      if (worker?.exitCode === null && worker.signalCode === null) await once(worker, 'exit')
    }
    const ids: string[] = []
    for (let index = 0; index < 300; index++) {
      ids.push(await client.trigger(`errand ${index}`))
      if (index === 100) workers[0]?.kill('SIGKILL')
      if (index === 200) workers[1]?.kill('SIGKILL')
    }
    for (const id of ids) expect(await client.logOf(id)).toEqual([`${id}/1/0`, `${id}/2/0`])
    for (const id of ids) expect(await client.historyOf(id)).toEqual(['1 given', '2 begun', '3 done'])
    await Promise.all(workers.map(kill))
    await db.close()
    rmSync(folder, { recursive: true })
  })
})
