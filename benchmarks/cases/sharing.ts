/** Two processes on one file, beside one process with the same work. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { stepsPerRun } from '../harness/orders.ts'
import { temporaryFile } from '../harness/sqlite-file.ts'

const lookEveryMs = 20
/** Until the slots have been shared out. */
const settleMs = 4_000

export function sharing(name: string): Case {
  return {
    name,
    runs: 40_000,
    measure: async ({ runs, repeats }) => {
      const one: number[] = []
      const two: number[] = []
      for (let i = 0; i < repeats; i++) {
        one.push(await throughputOf(1, runs))
        two.push(await throughputOf(2, runs))
      }
      return [
        { metric: 'one process', unit: 'transitions/s', values: one },
        { metric: 'two processes', unit: 'transitions/s', values: two },
        { metric: 'two of one', unit: '%', values: two.map((value, i) => (value / (one[i] ?? Number.NaN)) * 100) },
      ]
    },
  }
}

async function throughputOf(processes: number, runs: number): Promise<number> {
  using temporary = temporaryFile()
  const share = Math.floor(runs / processes)
  const children = Array.from({ length: processes }, (_, i) => new Child('sharing', [temporary.file, `process-${i}`, String(share)]))
  await Promise.all(children.map((child) => child.next<{ ready: true }>()))
  await sleep(settleMs)
  const start = performance.now()
  for (const child of children) child.say('start')
  await Promise.all(children.map((child) => child.next<{ triggered: number }>()))
  while ((await completedBy(children)) < share * processes) await sleep(lookEveryMs)
  const wallMs = performance.now() - start
  await Promise.all(children.map((child) => child.end()))
  return ((share * processes * stepsPerRun) / wallMs) * 1_000
}

async function completedBy(children: readonly Child[]): Promise<number> {
  for (const child of children) child.say('count')
  const answers = await Promise.all(children.map((child) => child.next<{ completed: number }>()))
  return answers.reduce((sum, { completed }) => sum + completed, 0)
}
