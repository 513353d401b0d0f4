/** What a large workflow costs a compiler beyond what the library itself costs it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile, type Compilation, type Compiler, inTemporaryFolder } from './compilers.ts'
import { emptyProgram, largeWorkflow } from './large-workflow.ts'

/** A compilation of the large workflow, and one of a file that only imports. */
export interface Costs {
  readonly large: Compilation
  readonly empty: Compilation
}

/** Compiles both. Throws if the large workflow does not compile. */
export function typeCosts(compiler: Compiler): Costs {
  return inTemporaryFolder((folder) => {
    const compiled = (name: string, source: string): Compilation => {
      const file = join(folder, name)
      writeFileSync(file, source)
      const compilation = compile(compiler, [file])
      const [first] = compilation.diagnostics
      if (first !== undefined) throw new Error(`TypeScript ${compiler.version}: ${first.file}(${first.line}): ${first.text}`)
      return compilation
    }
    return { large: compiled('large.mts', largeWorkflow()), empty: compiled('empty.mts', emptyProgram()) }
  })
}

/** The difference in one figure of the compiler, e.g. `Instantiations`. */
export function extraCost({ large, empty }: Costs, figure: string): number {
  return (large.figures.get(figure) ?? Number.NaN) - (empty.figures.get(figure) ?? Number.NaN)
}
