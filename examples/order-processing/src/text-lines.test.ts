import { expect, test } from 'vitest'
import { textLines, tooLong } from './text-lines.ts'

async function linesOf(...chunks: readonly string[]): Promise<readonly (string | symbol)[]> {
  const lines: (string | symbol)[] = []
  for await (const line of textLines(
    (async function* () {
      yield* chunks
    })(),
  ))
    lines.push(line)
  return lines
}

test('joins what chunks have cut, and drops line ends and the byte order mark', async () => {
  expect(await linesOf('\uFEFFa', 'b\r\nc\n', '\nd')).toEqual(['ab', 'c', '', 'd'])
  expect(await linesOf('a\n')).toEqual(['a'])
  expect(await linesOf()).toEqual([])
})

test('cuts at line feeds only', async () => {
  expect(await linesOf('{"a":"\u2028\u2029"}\nb')).toEqual(['{"a":"\u2028\u2029"}', 'b'])
})

test('drops an endless line without keeping it, and goes on with the next', async () => {
  const part = 'x'.repeat(400_000)
  expect(await linesOf(part, part, part, part, '\nshort\n', part, part, part)).toEqual([tooLong, 'short', tooLong])
})
