/** In one file, as bundlers make it of a server: the pages come along, though there is no package folder any more. */
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { pages } from '../build/fresh-pages.ts'
import { writePages } from '../build/pages.ts'

const program = `
import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'
import { webui } from '@workflow/webui'
const letters = workflow('letters', { object: unchecked(), graph: { written: { step: ['sent'] }, sent: {} } })
const handle = webui({ workflows: [letters.client(memory())], basePath: '/admin', unsafeNoAuth: true })
const texts = ['/admin', '/admin/assets/app.js', '/admin/assets/app.css', '/admin/assets/icon.svg'].map(async (path) => {
  const answer = await handle(new Request('http://localhost' + path))
  return [answer.status, (await answer.text()).length]
})
process.stdout.write(JSON.stringify(await Promise.all(texts)))
`

test('a server bundled into one file has the pages in it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'webui-bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // The module that the build of the package takes in.
  writePages(pages, join(folder, 'pages.js'))
  await build({
    stdin: { contents: program, resolveDir: import.meta.dirname },
    outfile: join(folder, 'server.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@workflow/source'],
    alias: { '#pages': join(folder, 'pages.js'), '@workflow/webui': join(import.meta.dirname, '../src/index.ts') },
    logLevel: 'error',
  })
  await rm(join(folder, 'pages.js'))
  await writeFile(join(folder, 'package.json'), '{}')
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'server.mjs')], { cwd: folder })
  const lengths = [pages['index.html'].replace('%base%', '/admin/'), pages['app.js'], pages['app.css'], pages['icon.svg']]
  expect(JSON.parse(stdout)).toEqual(lengths.map(({ length }) => [200, length]))
})
