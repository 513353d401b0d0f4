import { unchecked, workflow } from '@workflow/core'
import { memory } from '@workflow/core/memory'

let loaded: Promise<void> | undefined
const audit = { actor: 'preload', reason: 'loads what it is for' }

/**
 * Loads what the engine loads only when it is first needed: modules come from the disk in real time, and in a simulation no
 * real time passes. Once per process.
 */
export function preload(): Promise<void> {
  return (loaded ??= load())
}

async function load(): Promise<void> {
  const contract = workflow('preloaded', { object: unchecked<null>(), graph: { waits: { callback: ['over'] }, over: {} } })
  const app = contract.addCallback('waits', async () => 'over').build(memory())
  await app.run()
  const runId = await app.trigger('one', { initialValue: null })
  await app.explain(runId)
  await app.history(runId)
  await app.timers(runId)
  await app.changes({ signal: AbortSignal.timeout(0) }).catch(() => undefined)
  await app.pause(runId, audit)
  await app.previewMove(runId, 'waits')
  await app.resume(runId, audit)
  await app.compatibility()
  await app.triggerMany([{ foreignId: 'two', initialValue: null }])
  // Only what it loads counts.
  await app.callback({ runId }, 'waits', undefined, { wait: true }).catch(() => undefined)
  const schedule = await app.schedule('calendar', '0 0 1 1 *', { initialValue: null })
  await schedule.stop()
  await app.stop()
}
