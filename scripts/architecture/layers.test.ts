import { expect, it } from 'vitest'
import { importsOf, layerFaults, packageFaults } from './layers.ts'

const core = (path: string, text: string): { path: string; text: string } => ({ path: `packages/core/src/${path}`, text })

it('every form of import is seen', () => {
  const text = `import { a } from './a.ts'\nimport type {\n  B,\n} from './b.ts'\nimport './c.ts'\nexport { d } from './d.ts'\nconst e = await import('./e.ts')`
  expect(importsOf(text)).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts'])
})

it('core may import downwards and within a room', () => {
  expect(
    layerFaults([
      core('engine/step.ts', "import { a } from '../model/unit.ts'\nimport { b } from './lanes.ts'\nimport { c } from '../schema.ts'"),
      core('index.ts', "export { w } from './workflow.ts'"),
      core('workflow.ts', "import { step } from './engine/step.ts'"),
    ]),
  ).toEqual([])
})

it('core may not import upwards or sideways, not even types', () => {
  const faults = layerFaults([
    core('model/unit.ts', "import type { Clock } from '../ports/clock.ts'"),
    core('engine/step.ts', "import { w } from '../workflow.ts'"),
    core('workflow.ts', "import { o } from './outlet.ts'"),
    core('outlet.ts', "import { s } from './engine/step.ts'"),
    core('memory/index.ts', "import { s } from '../engine/step.ts'"),
    core('engine/step.test.ts', "import { memory } from '../memory/index.ts'"),
    core('export/index.ts', "import type { L } from '../outlet-query.ts'\nimport { s } from '../engine/step.ts'"),
  ])
  expect(faults).toHaveLength(4)
  expect(faults[0]).toContain('model may not know ports')
  expect(faults[1]).toContain('engine may not know entry')
})

it('an adapter knows core and what is bundled into it, and nothing else of ours', () => {
  const file = {
    path: 'packages/sqlite/src/index.ts',
    text: "import { a } from '@workflow/core/adapter'\nimport { b } from '@workflow/postgres'\nimport { c } from '@workflow/sql'",
  }
  expect(packageFaults([file], new Set(['@workflow/sql']))).toEqual([expect.stringContaining('imports @workflow/postgres')])
})
