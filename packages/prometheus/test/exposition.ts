/** Reads the text format as strictly as Prometheus does: names, escapes, one block per metric, no series twice. */

export interface ExposedSample {
  /** With `_bucket`, `_sum` or `_count`, where it has one. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ExposedMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly ExposedSample[]
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y

/** By name. Throws where the text is none that Prometheus would take. */
export function parseExposition(text: string): ReadonlyMap<string, ExposedMetric> {
  const metrics = new Map<string, { name: string; type: string; help: string; samples: ExposedSample[] }>()
  const series = new Set<string>()
  let current: { name: string; type: string; help: string; samples: ExposedSample[] } | undefined
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, comment, name = '', rest = ''] = /^# (HELP|TYPE) ([^ ]+) (.*)$/.exec(line) ?? []
    if (comment === 'HELP') {
      if (metrics.has(name)) throw new Error(`two metrics are called ${name}`)
      current = { name, type: '', help: rest, samples: [] }
      metrics.set(name, current)
    } else if (comment === 'TYPE') {
      if (current?.name !== name) throw new Error(`the type of ${name} has no help before it`)
      current.type = rest
    } else {
      const sample = parseSample(line)
      if (current === undefined || !belongs(sample.name, current)) throw new Error(`stands below another metric: ${line}`)
      const id = JSON.stringify([
        sample.name,
        ...Object.entries(sample.labels)
          .map((entry) => JSON.stringify(entry))
          .sort(),
      ])
      if (series.has(id)) throw new Error(`twice: ${line}`)
      series.add(id)
      current.samples.push(sample)
    }
  }
  return metrics
}

function belongs(sample: string, { name, type }: { readonly name: string; readonly type: string }): boolean {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample) : sample === name
}

function parseSample(line: string): ExposedSample {
  const [, name, list = '', value = ''] = sampleLine.exec(line) ?? []
  if (name === undefined) throw new Error(`no sample: ${line}`)
  return { name, labels: parseLabels(list, line), value: Number(value.replace('Inf', 'Infinity')) }
}

function parseLabels(list: string, line: string): Readonly<Record<string, string>> {
  const labels: [string, string][] = []
  label.lastIndex = 0
  while (label.lastIndex < list.length) {
    const [, name = '', text = ''] = label.exec(list) ?? []
    if (name === '') throw new Error(`no labels: ${line}`)
    if (labels.some(([other]) => other === name)) throw new Error(`a label twice: ${line}`)
    labels.push([name, text.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign))])
  }
  return Object.fromEntries(labels)
}

/** The value of the only series with these labels; undefined if there is none. */
export function valueOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samplesOf(text, name).filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
  if (found.length > 1) throw new Error(`${found.length} series of ${name} have ${JSON.stringify(labels)}`)
  return found[0]?.value
}

/** The samples of this very name. */
export function samplesOf(text: string, name: string): readonly ExposedSample[] {
  return [...parseExposition(text).values()].flatMap(({ samples }) => samples.filter((sample) => sample.name === name))
}
