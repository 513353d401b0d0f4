/** `pnpm simulate:bugs [part of a name]`: plants every known bug in the engine, one after another, and sees each of them found. */
import { lookFor } from './planting.ts'
import { plantedBugs } from './planted-bugs.ts'

const asked = process.argv[2]
const chosen = plantedBugs.filter(({ name }) => asked === undefined || name.includes(asked))
if (chosen.length === 0)
  throw new Error(`no planted bug has '${asked}' in its name; there are: ${plantedBugs.map(({ name }) => name).join('; ')}`)
let missed = 0
console.log('| bug | found after | by the promise |\n|---|---|---|')
for (const bug of chosen) {
  const { seeds, invariant, message, ms } = await lookFor(bug)
  const expected = bug.breaks.some((each) => each === invariant)
  if (!expected) missed++
  const after = seeds === undefined ? `NOT within ${bug.within} seeds` : `${seeds} of ${bug.within} seeds`
  console.log(`| ${bug.name} | ${after} | ${invariant ?? ''}${expected ? '' : ' (UNEXPECTED)'} |`)
  if (process.env['DETAILS'] !== undefined) console.log(`    ${(ms / 1_000).toFixed(1)} s: ${message?.slice(0, 300)}`)
}
console.log(`${chosen.length - missed} of ${chosen.length} found`)
process.exitCode = missed === 0 ? 0 : 1
