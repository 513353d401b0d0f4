/** The whole program with its events on a broker that it starts itself. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, type TestContext } from 'vitest'
import { forgetServer, installBroker } from '../src/broker-server.ts'
import { type Broker, brokers } from '../src/cli-options.ts'
import { sampleOrder } from '../src/sample-orders.ts'
import { testProgram, type TestProgram } from './program.ts'

export interface BrokerProgram extends TestProgram {
  /** Whether it remembers a server. */
  readonly hasServer: (broker: Broker) => boolean
  readonly orderFile: (count: number) => Promise<string>
}

/** For one file of tests. */
export function brokerProgram(): BrokerProgram {
  const program = testProgram()
  const fileOf = (broker: Broker): string => join(program.folder, `orders.${broker}.json`)
  // Before the folder goes: what is said last is done first.
  afterEach(async () => {
    for (const broker of brokers) await forgetServer(broker, fileOf(broker))
  })
  return {
    get folder() {
      return program.folder
    },
    start: program.start,
    hasServer: (broker) => existsSync(fileOf(broker)),
    orderFile: async (count) => {
      const file = join(program.folder, 'orders.ndjson')
      await writeFile(file, Array.from({ length: count }, (_, index) => `${JSON.stringify(sampleOrder(index + 1))}\n`).join(''))
      return file
    },
  }
}

/** Where no server can be started a test is skipped, and says so. */
export async function assertAvailable(broker: Broker, { skip }: TestContext): Promise<void> {
  try {
    await installBroker(broker)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    console.error(`THE EXAMPLE order-processing IS NOT TESTED ON ${broker}: ${why}`)
    skip(why)
  }
}

/** Kills it at work, starts it again, and looks whether anything is missing. */
export async function assertSurvives(broker: Broker, { start, orderFile, hasServer }: BrokerProgram): Promise<void> {
  const args = ['--broker', broker, '--fast', '--file', await orderFile(400)]
  const first = start(args)
  await first.says(/[1-9]\d*\/[\d,]+\+? done/)
  first.child.kill('SIGKILL')
  expect(await first.ended, first.output()).toEqual({ code: null, signal: 'SIGKILL' })
  expect(hasServer(broker)).toBe(true)
  const last = start(args)
  expect(await last.ended, last.output()).toEqual({ code: 0, signal: null })
  expect(last.output()).toMatch(new RegExp(`${broker}: \\S+, the server of its own that was here`))
  expect(last.output()).toContain('every order has one run (400 orders)')
  expect(last.output()).toMatch(/ {2}passed\n/)
  expect(hasServer(broker)).toBe(false)
}
