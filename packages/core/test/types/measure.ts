/** Prints what a large workflow costs each compiler, one figure a line: `{"bench":"types","case","metric","value","unit"}`. */
import { compilers } from './compilers.ts'
import { edges, nodes } from './large-workflow.ts'
import { extraCost, typeCosts } from './type-cost.ts'

const rounds = 5

for (const compiler of compilers) {
  const costs = Array.from({ length: rounds }, () => typeCosts(compiler))
  const name = `TypeScript ${compiler.version}, ${nodes} statuses, ${edges} transitions`
  const print = (metric: string, unit: string, value: number): void =>
    console.log(JSON.stringify({ bench: 'types', case: name, metric, value, unit }))
  print('check time beyond an empty file', 'ms', Math.round(1000 * median(costs.map((cost) => extraCost(cost, 'Check time')))))
  print('instantiations beyond an empty file', '1', median(costs.map((cost) => extraCost(cost, 'Instantiations'))))
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
