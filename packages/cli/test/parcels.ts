/** Runs of a workflow as older code has left them in a SQLite file. */
import { after, unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'

const old = workflow('parcels', {
  object: unchecked<object>(),
  graph: {
    made: { step: ['packed'] },
    packed: { callback: ['sent'], timeout: ['late'] },
    sent: { callback: ['done'] },
    late: { callback: ['sent'] },
    done: {},
  },
})
const quiet = (): void => undefined

/** Three runs at `packed`, one of them paused, with a timer for timeout `patience`; one at `sent`. Ids by foreign id. */
export async function leaveParcels(file: string): Promise<ReadonlyMap<string, string>> {
  await using infrastructure = sqlite({ file })
  await using app = old
    .addStep('made', async () => 'packed')
    .addCallback('packed', async () => 'sent')
    .addTimeout('packed', after('10d'), async () => 'late', { name: 'patience' })
    .addCallback('sent', async () => 'done')
    .addCallback('late', async () => 'sent')
    .build({ ...infrastructure, slots: 2, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet } })
  await app.run()
  const runIds = new Map<string, string>()
  for (const foreignId of ['a', 'b', 'c', 'd']) runIds.set(foreignId, await app.trigger(foreignId, { initialValue: {} }))
  for (const runId of runIds.values()) await app.await(runId, 'packed')
  await app.pause(runIds.get('b') ?? '', { reason: 'look at it', actor: 'ann' })
  await app.callback({ foreignId: 'd' }, 'packed', undefined, { wait: true })
  return runIds
}

/** The text of a module that exports the definition of today's workflow, in the given form. */
export function parcelsModule(graph: string, handlers: string): string {
  return `
import { after, unchecked, workflow } from '@workflow/core'
export const parcels = workflow('parcels', { object: unchecked<object>(), graph: ${graph} as const })
export const definition = parcels${handlers}
`
}

/** Today's code as it was when the runs were left. */
export const unchanged: string = parcelsModule(
  "{ made: { step: ['packed'] }, packed: { callback: ['sent'], timeout: ['late'] }, sent: { callback: ['done'] }, late: { callback: ['sent'] }, done: {} }",
  `
  .addStep('made', async () => 'packed')
  .addCallback('packed', async () => 'sent')
  .addTimeout('packed', after('20d'), async () => 'late', { name: 'patience' })
  .addCallback('sent', async () => 'done')
  .addCallback('late', async () => 'sent')`,
)

/** A config that lists something exported by `./parcels.ts`. */
export function configOf(exported: 'parcels' | 'definition', file: string): string {
  return `
import { defineConfig } from '@workflow/cli'
import { sqlite } from '@workflow/sqlite'
import { ${exported} } from './parcels.ts'
export default defineConfig({ workflows: [${exported}], infrastructure: () => sqlite({ file: ${JSON.stringify(file)} }) })
`
}
