/** What a user of the installed package writes: `pnpm smoke` compiles it in an empty project and runs the check with it. */
import { type CliConfig, defineConfig } from '@workflow/cli'
import { unchecked, workflow } from '@workflow/core'
import { sqlite } from '@workflow/sqlite'

interface Letter {
  readonly text: string
}
const graph = { written: { step: ['sent'] }, sent: {} } as const
const letters = workflow('letters', { object: unchecked<Letter>(), graph })
const bills = workflow('bills', { object: unchecked<Letter>(), graph: { ...graph, sent: { callback: ['paid'] }, paid: {} } })

const config: CliConfig = defineConfig({
  // A definition and a contract: both are workflows of a config.
  workflows: [letters.addStep('written', async (run) => (run.object.text === '' ? run.skip() : 'sent')), bills],
  infrastructure: async () => {
    const infrastructure = sqlite({ file: 'letters.db' })
    // What older code has left: a bill at a status that today's graph does not have.
    const old = workflow('bills', { object: unchecked<Letter>(), graph: { drafted: { callback: ['sent'] }, sent: {} } })
    await old.client(infrastructure).trigger('bill-1', { initialValue: { text: 'pay' } })
    return infrastructure
  },
})
// oxlint-disable-next-line import/no-default-export -- a config file has one
export default config
