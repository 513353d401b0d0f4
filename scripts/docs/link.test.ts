import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { anchorsOf, deadLinks } from './link.ts'

const root = mkdtempSync(join(tmpdir(), 'links-'))
afterAll(() => rmSync(root, { recursive: true }))

it('headings have the anchors that a renderer gives them', () => {
  const anchors = anchorsOf('# `run.skip()` & more\n## Same\n## Same\n```\n# not a heading\n```\n<a id="by-hand"></a>')
  expect([...anchors]).toEqual(['runskip--more', 'same', 'same-1', 'by-hand'])
})

it('dead links are found, live ones and addresses elsewhere are not', () => {
  writeFileSync(join(root, 'b.md'), '# Here')
  writeFileSync(
    join(root, 'a.md'),
    ['[ok](b.md#here) [web](https://example.com)', '[gone](c.md)', '[no heading](b.md#there)', '[out](../x.md)', '`[code](c.md)`'].join(
      '\n',
    ),
  )
  expect(deadLinks(join(root, 'a.md'), root)).toEqual([
    'line 2: c.md leads nowhere',
    'line 3: b.md#there: the page has no such heading',
    'line 4: ../x.md leads out of the repository',
  ])
})
