import { PassThrough, Readable } from 'node:stream'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { isPiped, orderSource, type SourceOptions } from './order-source.ts'

const options: SourceOptions = { resume: false, sample: import.meta.filename, stdin: Readable.from([]), piped: false, patienceMs: 50 }

test('a file that cannot be read is refused before anything is opened', async () => {
  await expect(orderSource({ ...options, file: '/nowhere/orders' })).rejects.toThrow('ENOENT')
  await expect(orderSource({ ...options, file: tmpdir() })).rejects.toThrow('is a folder')
})

test('what is piped in goes before the sample, and nothing of it is lost by looking', async () => {
  const stdin = new PassThrough()
  stdin.write('first\n')
  const source = await orderSource({ ...options, stdin, piped: true })
  stdin.end('second\n')
  expect(source.kind).toBe('stdin')
  expect(await textOf(source.chunks)).toBe('first\nsecond\n')
})

test('a pipe that is empty, silent or broken leaves the sample', async () => {
  const broken = (): Readable => {
    const stdin = new PassThrough()
    setImmediate(() => stdin.destroy(new Error('gone')))
    return stdin
  }
  for (const make of [() => Readable.from([]), () => new PassThrough(), broken]) {
    const stdin = make()
    const source = await orderSource({ ...options, stdin, piped: true })
    expect(source).toMatchObject({ kind: 'sample', note: expect.stringContaining('taking the sample orders') })
  }
})

test('a closed descriptor is no pipe', () => {
  expect(isPiped(9_999)).toBe(false)
})

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}
