/**
 * The type tests: the promises hold on every compiler, the messages of the newest one are those on record, and a large
 * workflow costs no more than it did. `--update` records the messages anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Compiler, compile, compilers, typeTestFile } from './compilers.ts'
import { edges, nodes } from './large-workflow.ts'
import { messages } from './messages.ts'
import { extraCost, typeCosts } from './type-cost.ts'

const promises = ['errors.test-d.ts', 'probe.test-d.ts'] as const
const record = typeTestFile('messages.snap.txt')
const update = process.argv.includes('--update')
/** A tenth above what was measured when it was last looked at. Counted, because times depend on the machine. */
const instantiationsMax = 46_000

const faults = [...compilers.flatMap((compiler) => [...brokenPromises(compiler), ...excessiveCosts(compiler)]), ...changedMessages()]
for (const fault of faults) console.error(fault)
console.log(`${promiseCount()} mistakes refused on ${compilers.length} compilers, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

function brokenPromises(compiler: Compiler): readonly string[] {
  const { diagnostics } = compile(compiler, promises.map(typeTestFile))
  return diagnostics.map(({ file, line, column, text }) => `TypeScript ${compiler.version}: ${file}(${line},${column}): ${text}`)
}

function excessiveCosts(compiler: Compiler): readonly string[] {
  const instantiations = extraCost(typeCosts(compiler), 'Instantiations')
  if (instantiations <= instantiationsMax) return []
  return [
    `TypeScript ${compiler.version}: ${nodes} statuses and ${edges} transitions take ${instantiations} instantiations, ${instantiationsMax} at most`,
  ]
}

function changedMessages(): readonly string[] {
  const { text, faults: wrong } = messages(compilers[0])
  if (update) writeFileSync(record, text)
  const recorded = existsSync(record) ? readFileSync(record, 'utf8') : ''
  if (recorded === text) return wrong
  const before = recorded.split('\n\n')
  const changed = text.split('\n\n').filter((message) => !before.includes(message))
  return [...wrong, `messages differ from those on record; look at them, then run this with --update\n${changed.join('\n\n')}`]
}

function promiseCount(): number {
  return promises.flatMap((name) => readFileSync(typeTestFile(name), 'utf8').match(/@ts-expect-error /g) ?? []).length
}
