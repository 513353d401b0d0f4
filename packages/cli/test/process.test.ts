/** What only a process of its own shows: what it prints where, how it ends, and that it ends. */
import { expect, test } from 'vitest'
import { type Ended, project } from './project.ts'

const timeout = { timeout: 120_000 }
const memory = `sqlite({ file: ':memory:' })`

/** The check with a config of this code, then one workflow and this infrastructure. */
async function checked(before: string, open: string, ...args: readonly string[]): Promise<Ended> {
  using folder = project({
    'workflow.config.ts': `
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'
const orders = workflow('orders', { object: unchecked(), graph: { created: { step: ['paid'] }, paid: {} } })
${before}
export default { workflows: [orders], infrastructure: () => ${open} }`,
  })
  return await folder.run('graph', 'check', ...args)
}

function failed(text: RegExp) {
  return { code: 2, stdout: '', stderr: expect.stringMatching(text) }
}

test('it ends although the config has left something open', timeout, async () => {
  expect(await checked('setInterval(() => undefined, 1_000)', memory)).toMatchObject({ code: 0, stderr: '' })
})

test('it ends although what the config has opened does not close', timeout, async () => {
  expect(await checked('', `({ ...${memory}, close: () => new Promise(() => undefined) })`)).toMatchObject({ code: 0, stderr: '' })
})

test('it says what never came, instead of ending as if all were well', timeout, async () => {
  expect(await checked('', 'new Promise(() => undefined)')).toEqual(
    failed(/^workflow: .*something that the config awaits never settles\n$/),
  )
})

test('it ends with 2, not 1, when code of the config fails in the background', timeout, async () => {
  const never = 'new Promise(() => setInterval(() => undefined, 1_000))'
  expect(await checked(`setTimeout(() => { throw new Error('pool lost its connection') })`, never)).toEqual(
    failed(/^workflow: pool lost its connection\n$/),
  )
  const { code, stdout } = await checked(`setTimeout(() => void Promise.reject(new Error('nobody listens')))`, never, '--json')
  expect({ code, answer: JSON.parse(stdout) }).toEqual({
    code: 2,
    answer: { ok: false, error: { code: 'Error', message: 'nobody listens' } },
  })
})

test('it ends with 2, not 0, when code of the config ends the process', timeout, async () => {
  for (const ended of await Promise.all([
    checked('process.exit(0)', memory),
    checked('', 'process.exit()'),
    checked('process.exit(1)', memory),
  ]))
    expect(ended).toEqual(failed(/^workflow: code of the config has ended the process, by process\.exit\(\d\)\n$/))
  const { code, stdout } = await checked('process.exit(0)', memory, '--json')
  expect({ code, answer: JSON.parse(stdout) }).toMatchObject({ code: 2, answer: { ok: false, error: { code: 'Usage' } } })
})

test('the first answer counts, whatever happens once it is out', timeout, async () => {
  const closing = (body: string): string => `({ ...${memory}, close: async () => { ${body} } })`
  for (const body of [
    'process.exit(1)',
    `setTimeout(() => { throw new Error('late') }); await new Promise((done) => setTimeout(done, 50))`,
  ])
    expect(await checked('', closing(body))).toMatchObject({ code: 0, stderr: '' })
})

test('what the config prints stays out of the answer', timeout, async () => {
  const { code, stdout, stderr } = await checked(`console.log('loaded 3 secrets')`, memory, '--json')
  expect(JSON.parse(stdout)).toMatchObject({ ok: true })
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'loaded 3 secrets\n' })
})

test('what the config has opened is closed', timeout, async () => {
  expect(await checked('', `({ ...${memory}, close: async () => console.log('closed') })`)).toMatchObject({ code: 0, stderr: 'closed\n' })
})
