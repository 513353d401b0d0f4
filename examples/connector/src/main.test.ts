/** The whole program, as a child process, on each broker. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, type TestContext } from 'vitest'
import { type Broker, installBroker, urlVariables } from './broker-server.ts'

const start = (...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> =>
  promisify(execFile)(process.execPath, [
    '--conditions=@workflow/source',
    '--disable-warning=ExperimentalWarning',
    // The other program of this example is a plain client of kafkajs.
    '--disable-warning=TimeoutNegativeWarning',
    join(import.meta.dirname, 'main.ts'),
    ...args,
  ])

async function assertDay(broker: Broker | 'memory'): Promise<void> {
  const { stdout, stderr } = await start('--broker', broker)
  expect(stderr).toBe('')
  const lines = stdout.trimEnd().split('\n')
  const logged = lines.filter((line) => line.startsWith('log: '))
  // Each of the two that make no sense, by each workflow, and nothing else.
  for (const name of ['shipment', 'invoice'])
    for (const id of ['m-5', 'm-6'])
      expect(logged).toContainEqual(
        expect.stringContaining(`log: ${name}: skipping an event that does not fit the schema of its connector: event ${id} `),
      )
  expect(logged).toHaveLength(4)
  const said = lines.filter((line) => !line.startsWith('log: ') && !line.startsWith(`${broker}: `))
  expect(said.slice(0, -1)).toEqual([
    'parcel-0: delivered, signed by A. Costa; invoice none, handed over before we began',
    'parcel-1: delivered, signed by M. Silva; invoice sent',
    'parcel-2: delivered, signed by K. Weber; invoice sent',
    '203 parcels and 202 invoices of 410 messages, two of which came twice',
    'skipped and counted: 2 messages by shipment, 2 by invoice',
  ])
  const inHand = /^in hand at once: (\d+) messages at most, of a rush of 400/.exec(said.at(-1) ?? '')?.[1]
  expect(Number(inHand)).toBeGreaterThan(0)
  expect(Number(inHand)).toBeLessThanOrEqual(16)
}

/** Without a server, and without a way to get one, the test is skipped, and says so. */
async function assertBroker(broker: Broker, { skip }: TestContext): Promise<void> {
  if (process.env[urlVariables[broker]] !== undefined) return
  try {
    await installBroker(broker)
  } catch (error) {
    const why = `${error instanceof Error ? error.message : String(error)}. Or set ${urlVariables[broker]}.`
    console.error(`THE EXAMPLE connector IS NOT TESTED ON ${broker}: ${why}`)
    skip(why)
  }
}

test('does the same on memory', { timeout: 20_000 }, () => assertDay('memory'))

test('does the same on NATS', { timeout: 60_000 }, async (context) => {
  await assertBroker('nats', context)
  await assertDay('nats')
})

test('does the same on Kafka', { timeout: 120_000 }, async (context) => {
  await assertBroker('kafka', context)
  await assertDay('kafka')
})

test('says what is wrong with its arguments', async () => {
  await expect(start('--broker', 'rabbit')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--broker is one of') })
})
