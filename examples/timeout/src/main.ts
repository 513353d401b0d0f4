import { memory } from '@workflow/core/memory'
import { invitationDefinition } from './invitation.worker.ts'

await using workflow = invitationDefinition({ remindAfter: '400ms', expireAfterMs: 1_000 }).build(memory())
await workflow.run()

const prompt = await workflow.trigger('ada', { initialValue: { email: 'ada@example.org', reminders: 0 } })
const silent = await workflow.trigger('bob', { initialValue: { email: 'bob@example.org', reminders: 0 } })
await workflow.callback({ runId: prompt }, 'sent')

for (const runId of [prompt, silent]) {
  const run = await workflow.awaitCompletion(runId)
  console.log(`${run.foreignId}: ${run.status} after ${run.object.reminders} reminders`)
}
