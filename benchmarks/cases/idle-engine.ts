/** What twenty workflows of ten steps take of a processor while nothing happens. */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import type { Place } from '../harness/database.ts'

const secondsDefault = 20

export function idleEngine(name: string, open: () => Promise<Place>): Case {
  return {
    name,
    runs: 1,
    measure: async ({ repeats, seconds = secondsDefault }) => {
      const values: number[] = []
      for (let i = 0; i < repeats; i++) {
        await using place = await open()
        await using child = new Child('idle', [place.address, String(seconds * 1_000)])
        values.push((await child.next<{ percent: number }>()).percent)
        await child.end()
      }
      return [{ metric: 'processor time', unit: '% of a core', values }]
    },
  }
}
