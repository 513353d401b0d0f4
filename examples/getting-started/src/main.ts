import { memory } from '@workflow/core/memory'
import { signUpDefinition } from './sign-up.worker.ts'

// Definition and infrastructure meet here, and only here: `sqlite({ file })` instead of `memory()` makes it durable.
await using workflow = signUpDefinition.build(memory())
await workflow.run()

const runId = await workflow.trigger('user-7', { initialValue: { email: 'ada@example.org' } })
const run = await workflow.awaitCompletion(runId)
console.log(`${run.foreignId} is ${run.status}: ${run.object.accountId}`)

const { items } = await workflow.history(runId)
for (const { version, from, to, by } of items) console.log(`  ${version}. ${from ?? 'nothing'} -> ${to} (${by})`)
