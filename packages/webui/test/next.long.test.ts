/**
 * In Next, as a user has it: the packed packages, Next and React from the registry, `next build`, then `next start` beside a worker
 * in another process of the same file, which is this one.
 */
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openBrowser, openWindow } from './app/browser.ts'
import { checkMounted } from './mounted.ts'
import { quiet } from './shop.ts'

const registryPackages = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1', 'better-sqlite3@13.2.0']
const root = join(import.meta.dirname, '../../..')
const run = promisify(execFile)
const letters = workflow('letters', { object: unchecked<{ name: string }>(), graph: { written: { callback: ['sent'] }, sent: {} } })

const files: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'letters', private: true, type: 'module' }),
  'workflows.js': `
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'

const letters = workflow('letters', { object: unchecked(), graph: { written: { callback: ['sent'] }, sent: {} } })
export const client = letters.client(sqlite({ file: 'letters.db' }))
`,
  'app/admin/[[...path]]/route.js': `
import { webui } from '@workflow/webui'
import { client } from '../../../workflows.js'

const authorize = () => ({ actor: 'ann', permissions: ['view', 'act'] })
const handle = webui({ workflows: [client], basePath: '/admin', authorize })
export const GET = handle
export const POST = handle
`,
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webui-next-'))
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const packages = ['core', 'sqlite', 'webui']
  await run('turbo', ['run', 'build', ...packages.map((name) => `--filter=@workflow/${name}`)], { cwd: root })
  for (const name of packages) await run('pnpm', ['pack', '--pack-destination', folder], { cwd: join(root, 'packages', name) })
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith('.tgz')).map((name) => `./${name}`)
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs, ...registryPackages], { cwd: folder })
}, 600_000)
afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** Next's own program, without a shell or npx in between, so that ending it ends it. */
const next = (): string => join(folder, 'node_modules/next/dist/bin/next')
const env = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '', NEXT_TELEMETRY_DISABLED: '1' })

test('Next builds it into its route, and serves pages, reads, changes and the stream', { timeout: 300_000 }, async () => {
  await run(process.execPath, [next(), 'build'], { cwd: folder, env: env() })
  // What a build has opened, every deploy would open.
  expect(await readdir(folder)).not.toContain('letters.db')

  const client = letters.client({ ...sqlite({ file: join(folder, 'letters.db') }), logger: quiet })
  onTestFinished(() => client.close())
  const runId = await client.trigger('größe/1', { initialValue: { name: 'Ann' } })
  await using served = await startNext()
  await checkMounted(`${served.url}/admin`, { workflow: 'letters', runId, foreignId: 'größe/1' })
  expect(await client.lookup(runId)).toMatchObject({ state: 'Paused' })

  const browser = await openBrowser()
  if (browser === undefined) return
  try {
    await using window = await openWindow(browser, `${served.url}/`)
    await window.page.goto(`${served.url}/admin/runs/letters/${runId}`)
    await window.page.getByText('größe/1').first().waitFor()
    await window.page.getByText('Prüfung').first().waitFor()
    expect(window.faults).toEqual([])
  } finally {
    await browser.close()
  }
})

async function startNext(): Promise<{ readonly url: string } & AsyncDisposable> {
  const child = spawn(process.execPath, [next(), 'start', '-p', '0', '-H', '127.0.0.1'], { cwd: folder, env: env() })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      output += chunk.toString()
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)
      if (found !== null && output.includes('Ready')) resolve(found[0])
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    void ended.then(() => reject(new Error(`Next ended before it was ready:\n${output}`)))
  })
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
