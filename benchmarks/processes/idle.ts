/** Twenty workflows of ten steps with nothing to do. Says how much processor time that takes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AnyGraph, unchecked, workflow } from '@workflow/core'
import { openDatabase } from '../harness/database.ts'
import { say } from './lines.ts'

const workflows = 20
const steps = 10
const settleMs = 5_000
const [address = '', measureMs = '0'] = process.argv.slice(2)
const database = openDatabase(address)
const running = Array.from({ length: workflows }, (_, i) => idleWorkflow(`idle-${i}`))
for (const each of running) await each.run()
await sleep(settleMs)
const cpu = process.cpuUsage()
const start = performance.now()
await sleep(Number(measureMs))
const { user, system } = process.cpuUsage(cpu)
say({ percent: (user + system) / 10 / (performance.now() - start) })
await Promise.all(running.map((each) => each.stop()))
await database.close()

function idleWorkflow(name: string): { run(): Promise<void>; stop(): Promise<void> } {
  const graph: Record<string, { readonly step?: readonly string[] }> = { end: {} }
  for (let i = steps - 1; i >= 0; i--) graph[`step-${i}`] = { step: [i === steps - 1 ? 'end' : `step-${i + 1}`] }
  // Made in a loop, the statuses are unknown to the compiler.
  let builder = workflow(name, { object: unchecked<object>(), graph: graph as AnyGraph as never }) as unknown as LooseBuilder
  for (let i = 0; i < steps; i++) builder = builder.addStep(`step-${i}`, async () => (i === steps - 1 ? 'end' : `step-${i + 1}`))
  return builder.build(database)
}

interface LooseBuilder {
  addStep(from: string, handler: () => Promise<string>): LooseBuilder
  build(infrastructure: object): { run(): Promise<void>; stop(): Promise<void> }
}
