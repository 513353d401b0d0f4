/** Runs the cases of one benchmark that were asked for, one after the other. */
import { commandLine, type CommandLine } from './command-line.ts'
import { type Figure, Report } from './report.ts'

export interface Case {
  readonly name: string
  /** Its size where `--runs` says nothing. */
  readonly runs: number
  readonly measure: (size: Size) => Promise<readonly Figure[]>
}

export interface Size {
  readonly runs: number
  readonly repeats: number
  /** What `--seconds` says, for cases that last a given time. */
  readonly seconds?: number | undefined
  /** What `--processes` says, for cases that compare numbers of them. */
  readonly processes?: readonly number[] | undefined
}

/** Measures what the command line asks for. `about` says what it runs on besides the machine. */
export async function bench(name: string, cases: readonly Case[], about?: string): Promise<void> {
  let asked: CommandLine
  try {
    asked = commandLine(
      process.argv.slice(2),
      cases.map((each) => each.name),
    )
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
    return
  }
  const report = new Report(name, asked.json, about)
  for (const { name: caseName, runs, measure } of cases) {
    if (asked.cases.length > 0 && !asked.cases.includes(caseName)) continue
    const size = { runs: asked.runs ?? runs, repeats: asked.repeats, seconds: asked.seconds, processes: asked.processes }
    report.progress(caseName)
    try {
      report.add(caseName, await measure(size))
    } catch (error) {
      // The other cases are still worth measuring.
      process.stderr.write(`${caseName} failed: ${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    }
  }
  report.end()
}
