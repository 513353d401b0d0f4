/** One process of two: `worker` runs the handlers, `client` starts a run and sees it through. */
import { sqlite } from '@workflow/sqlite'
import { opentelemetry } from '../src/index.ts'
import { inRequest, letters, lettersOn, registerOtlp } from './letters.ts'

const [role, file = '', url = ''] = process.argv.slice(2)
const provider = registerOtlp(url)
const infrastructure = { ...sqlite({ file }), instrumentation: opentelemetry() }
if (role === 'worker') {
  const app = lettersOn(infrastructure, () => process.send?.('sent'))
  await app.run()
  process.send?.('running')
  await new Promise((resolve) => process.once('message', resolve))
  await app.stop()
} else {
  const client = letters.client(infrastructure)
  const runId = await inRequest('POST /letters', () => client.trigger('letter-1', { initialValue: { text: 'Dear Ann' } }))
  await client.await(runId, 'checked')
  await client.callback({ runId }, 'checked', undefined)
  await client.awaitCompletion(runId)
  process.send?.(runId)
}
await infrastructure.close()
await provider.shutdown()
process.disconnect()
