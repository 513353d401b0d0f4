import { memory } from '@workflow/core/memory'
import { reportDefinition } from './report.worker.ts'

await using workflow = reportDefinition.build(memory())
await workflow.run()

// Five cron fields and a time zone; one instance of all starts the run, and a restart loses no time.
await using nightly = await workflow.schedule('nightly', '30 2 * * mon-fri', {
  initialValue: (at) => ({ at: at.toISOString() }),
  timezone: 'Europe/Berlin',
})

// Something shorter, to watch.
await using often = await workflow.schedule('often', '@every 1s', { initialValue: (at) => ({ at: at.toISOString() }) })

const wanted = 2
const deadline = Date.now() + 10_000
for (;;) {
  const { items } = await workflow.list({ foreignId: 'often', state: 'Completed', order: 'oldest' })
  if (items.length >= wanted || Date.now() > deadline) {
    console.log(`${items.length} runs of 'often'; 'nightly' waits for half past two`)
    break
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}
// Both handles stop their schedule here. Without that it would outlive the process, wherever the store does.
void [nightly, often]
