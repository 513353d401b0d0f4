/** Says what was measured: a table for people, or one line of JSON per figure. */
import { cpus, release, totalmem, type } from 'node:os'
import { spreadOf } from './samples.ts'

/** One metric of one case, with a value per repeat. */
export interface Figure {
  readonly metric: string
  readonly unit: string
  readonly values: readonly number[]
}

interface Row extends Figure {
  readonly case: string
}

export class Report {
  readonly #bench: string
  readonly #json: boolean
  readonly #about: string | undefined
  readonly #rows: Row[] = []

  constructor(bench: string, json: boolean, about?: string) {
    this.#bench = bench
    this.#json = json
    this.#about = about
  }

  /** Tells people that something has begun. */
  progress(text: string): void {
    if (!this.#json) process.stderr.write(`${text} …\n`)
  }

  /** With JSON the figures appear as soon as they are known. */
  add(name: string, figures: readonly Figure[]): void {
    for (const figure of figures) {
      this.#rows.push({ case: name, ...figure })
      if (!this.#json) continue
      const { metric, unit } = figure
      const { median, min, max } = spreadOf(figure.values)
      this.#line(name, metric, median, unit)
      if (figure.values.length === 1) continue
      this.#line(name, `${metric} min`, min, unit)
      this.#line(name, `${metric} max`, max, unit)
    }
  }

  /** The table, with the machine and the versions below it. */
  end(): void {
    if (this.#json) return
    const cells = this.#rows.map(({ case: name, metric, unit, values }) => {
      const { median, min, max } = spreadOf(values)
      const spread = values.length === 1 ? '' : `${shown(min)} – ${shown(max)}`
      return [name, metric, shown(median), unit, spread]
    })
    const table = [['case', 'metric', 'median', 'unit', 'min – max'], ...cells]
    const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
    for (const row of table)
      process.stdout.write(
        `${row
          .map((cell, i) => (i === 2 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
          .join('  ')
          .trimEnd()}\n`,
      )
    process.stdout.write(`\n${this.#bench} · ${machine()} · ${new Date().toISOString().slice(0, 10)}\n`)
    if (this.#about !== undefined) process.stdout.write(`${this.#about}\n`)
  }

  #line(name: string, metric: string, value: number, unit: string): void {
    process.stdout.write(`${JSON.stringify({ bench: this.#bench, case: name, metric, value: Number(value.toPrecision(6)), unit })}\n`)
  }
}

function shown(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}

/** The machine and the version of Node, in a line. */
export function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.versions.node}`
}
