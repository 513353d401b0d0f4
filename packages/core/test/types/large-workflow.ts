/** The source of a workflow as large as anybody should write: what it costs to check is what the types cost. */

const statuses = 100
/** How many transitions the workflow has. */
export const edges = 300
/** How many statuses it has. */
export const nodes: number = statuses

/**
 * Every status but the last has three ways out, of mixed kinds, and the first one three more. Each way that needs a handler
 * has it, in one chain.
 */
export function largeWorkflow(): string {
  const graph: string[] = []
  const chain: string[] = []
  for (let n = 0; n < statuses - 1; n++) {
    const [one, two, three] = [1, 2, 3].map((further) => `'${name((n + further) % statuses)}'`)
    const extra = n === 0 ? `, timeout: [${one}, ${two}, ${three}]` : ''
    if (n % 3 === 0) graph.push(`    '${name(n)}': { step: [${one}, ${two}, ${three}]${extra} },`)
    else if (n % 3 === 1) graph.push(`    '${name(n)}': { step: [${one}], callback: [${two}, ${three}] },`)
    else graph.push(`    '${name(n)}': { step: [${one}, ${two}], timeout: [${three}] },`)
    chain.push(`  .addStep('${name(n)}', async (run) => (run.object.n > ${n} ? ${one} : run.pause('enough')))`)
    if (n % 3 === 1) chain.push(`  .addCallback('${name(n)}', async (_run, payload) => (payload === undefined ? ${two} : ${three}))`)
    if (n % 3 === 2) chain.push(`  .addTimeout('${name(n)}', after('1h'), async () => ${three})`)
    if (n === 0) chain.push(`  .addTimeout('${name(n)}', after('1h'), async () => ${two})`)
  }
  return `import { after, unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'

const contract = workflow('large', {
  object: unchecked<{ n: number }>(),
  graph: {
${graph.join('\n')}
    '${name(statuses - 1)}': {},
  },
})
const wf = contract
${chain.join('\n')}
  .build(memory())
await wf.trigger('f', { initialValue: { n: 1 } })
`
}

/** What the same file costs without a workflow. */
export function emptyProgram(): string {
  return `import { after, unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'

void [after, unchecked, workflow, memory]
`
}

function name(n: number): string {
  return `status-${n}`
}
