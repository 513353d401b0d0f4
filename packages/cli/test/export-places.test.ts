/** Where `workflow export` cannot write: it says so, leaves what was there, and nothing of its own. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { type Ended, project } from './project.ts'

const program = fileURLToPath(new URL('../bin/workflow.js', import.meta.url))
const config = `
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
const orders = workflow('orders', { object: unchecked(), graph: { a: { callback: ['b'] }, b: {} } })
export default {
  workflows: [orders],
  infrastructure: async () => {
    const infrastructure = memory()
    await orders.client(infrastructure).triggerMany(Array.from({ length: 200 }, (_, i) => ({ foreignId: 'order ' + i, initialValue: {} })))
    return infrastructure
  },
}
`
const folder = project({ 'workflow.config.mjs': config })
afterAll(() => folder[Symbol.dispose]())

/** Through a shell, which sets limits and opens devices. */
async function shell(script: string, ...command: readonly string[]): Promise<Ended> {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' }
  const args = [
    '-c',
    script,
    'sh',
    process.execPath,
    '--conditions=@workflow/source',
    program,
    ...(command.length > 0 ? command : ['export', '--format', 'csv']),
  ]
  const child = spawn('sh', args, { cwd: folder.path(''), env, timeout: 110_000 })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((done, fail) => child.on('close', done).on('error', fail))
  return { code, stdout, stderr }
}

test('a disk that is full in the middle leaves what was there before', { timeout: 120_000 }, async () => {
  folder.write('log.csv', 'as it was')
  // Files of more than 8 blocks of 512 bytes cannot be written.
  const { code, stdout, stderr } = await shell('ulimit -f 8; exec "$@" --out log.csv')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^workflow: \S*log\.csv could not be written; what was there before is untouched; because: EFBIG/)
  expect(readFileSync(folder.path('log.csv'), 'utf8')).toBe('as it was')
  expect(existsSync(folder.path('log.csv.partial'))).toBe(false)
})

test.skipIf(!existsSync('/dev/full'))('standard output on a full disk is an error', { timeout: 120_000 }, async () => {
  for (const ended of await Promise.all([shell('exec "$@" > /dev/full'), shell('exec "$@" > /dev/full', 'graph', 'check', '--json')]))
    expect(ended).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^workflow: standard output cannot be written; because: .*ENOSPC/),
    })
})

test('a folder is refused before anything is read', { timeout: 120_000 }, async () => {
  mkdirSync(folder.path('logs.csv'))
  const { code, stderr } = await folder.run('export', '--out', 'logs.csv')
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/logs\.csv is a folder: --out takes the path of a file/) })
  expect(readdirSync(folder.path(''))).not.toContain('logs.csv.partial')
})
