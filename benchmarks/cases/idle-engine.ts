/** What twenty workflows of ten steps take of a processor while nothing happens. */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { temporaryFile } from '../harness/sqlite-file.ts'

const measureMs = 20_000

export function idleEngine(name: string): Case {
  return {
    name,
    runs: 1,
    measure: async ({ repeats }) => {
      const values: number[] = []
      for (let i = 0; i < repeats; i++) {
        using temporary = temporaryFile()
        const child = new Child('idle', [temporary.file, String(measureMs)])
        values.push((await child.next<{ percent: number }>()).percent)
        await child.end()
      }
      return [{ metric: 'processor time', unit: '% of a core', values }]
    },
  }
}
