/**
 * Real logs happen again in the engine, are exported, and loaded into pm4py: its cases, events and directly-follows graphs
 * must be those of the histories, and those of the logs.
 */
import { type AnyWorkflow, type RunHistoryEntry, unchecked, workflow } from '@workflow/core'
import { exportHistory } from '@workflow/core/export'
import { memory } from '@workflow/core/memory'
import { describe, expect, test } from 'vitest'
import { type EventLog, eventLog } from '../replay/event-log.ts'
import { endOfCase, movesOf } from '../replay/logged-workflow.ts'
import { replay } from '../replay/replay.ts'
import { type FoundGraph, type FoundLog, type LogTexts, miningTool } from './mining-tool.ts'

const tool = miningTool()
if (typeof tool === 'string') process.stderr.write(`skipping the loading of logs into pm4py: ${tool}\n`)

interface Exported extends LogTexts {
  /** By run id, as the workflow tells them. */
  readonly histories: ReadonlyMap<string, readonly RunHistoryEntry[]>
}

/** Both exports of a workflow, and what it says itself. */
async function exported(workflow: AnyWorkflow): Promise<Exported> {
  const histories = new Map<string, readonly RunHistoryEntry[]>()
  for (let cursor: string | undefined; ; ) {
    const page = await workflow.list({ limit: 1_000, ...(cursor === undefined ? undefined : { cursor }) })
    for (const { runId } of page.items) histories.set(runId, (await workflow.history(runId, { limit: 1_000 })).items)
    cursor = page.cursor
    if (cursor === undefined) break
  }
  return { histories, csv: await textOf(workflow, 'csv'), xes: await textOf(workflow, 'xes') }
}

async function textOf(workflow: AnyWorkflow, format: 'csv' | 'xes'): Promise<string> {
  const chunks: string[] = []
  for await (const chunk of exportHistory(workflow, { format })) chunks.push(chunk)
  return chunks.join('')
}

/** The directly-follows graph of sequences, in an order of its own. */
function graphOf(sequences: Iterable<readonly string[]>): FoundGraph {
  const [pairs, starts, ends] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  const count = (counts: Map<string, number>, key: string): unknown => counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const sequence of sequences) {
    for (const [i, to] of sequence.entries()) if (i > 0) count(pairs, JSON.stringify([sequence[i - 1], to]))
    count(starts, sequence[0] ?? '')
    count(ends, sequence.at(-1) ?? '')
  }
  return sorted({
    pairs: [...pairs].map(([pair, n]) => [...(JSON.parse(pair) as [string, string]), n] as const),
    starts: Object.fromEntries(starts),
    ends: Object.fromEntries(ends),
  })
}

function sorted({ pairs, starts, ends }: FoundGraph): FoundGraph {
  const key = (pair: readonly unknown[]): string => JSON.stringify(pair)
  return { pairs: [...pairs].sort((a, b) => (key(a) < key(b) ? -1 : 1)), starts, ends }
}

/** By the names of the documentation, said once more here. */
const activityOf = ({ by, from }: RunHistoryEntry): string => (by === 'trigger' ? by : `${by} ${from}`)

/** Texts that formats, parsers and spreadsheets trip over, as reasons may be. */
const hostile: readonly string[] = [
  '=HYPERLINK("http://example.com","x")',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  "'quoted'",
  'say "a", then ""',
  'two\r\nlines\nthree\rfour',
  '  padded  ',
  '<event/>&amp;]]>',
  '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///x">]>&e;',
  'bell\u0007 escape\u001B nonchar\uFFFE',
  'NA',
  'null',
  'ü 漢 😀 \u2028 \u0085',
]
const legal = (text: string): string => ['\u0007', '\u001B', '\uFFFE'].reduce((rest, one) => rest.replaceAll(one, '\uFFFD'), text)

describe.skipIf(typeof tool === 'string')('pm4py', () => {
  for (const name of ['helpdesk', 'permit']) {
    const log = eventLog(name)
    if (log === undefined) process.stderr.write(`skipping the export of ${name}: the log is not on this machine\n`)
    test.skipIf(log === undefined)(`finds in the export of '${name}' what happened, in both formats`, async () => {
      const given: EventLog = log ?? new Map()
      let all: Exported | undefined
      await replay(name, movesOf(given), { atEnd: async (workflow) => void (all = await exported(workflow)) })
      if (all === undefined || typeof tool === 'string') throw new Error('nothing was exported')
      const { histories } = all
      const [found] = tool.read([all])
      const cases = [...histories.values()]
      const byActivity = graphOf(cases.map((entries) => entries.map(activityOf)))
      const byStatus = graphOf(cases.map((entries) => entries.map(({ to }) => to)))
      const ofTheLog = graphOf([...given.values()].map((events) => [...events.map(({ activity }) => activity), endOfCase]))
      expect(byStatus).toEqual(ofTheLog)
      for (const format of ['csv', 'xes'] as const) {
        const { cases: foundCases, graphs } = found?.[format] ?? ({ cases: {}, graphs: {} } as FoundLog)
        expect(Object.keys(foundCases).sort()).toEqual([...histories.keys()].sort())
        for (const [runId, entries] of histories)
          expect(foundCases[runId]?.map((event) => event.slice(0, 5))).toEqual(
            entries.map((entry) => [activityOf(entry), entry.to, entry.at.getTime(), entry.instance, entry.version]),
          )
        expect(sorted(graphs['concept:name'])).toEqual(byActivity)
        expect(sorted(graphs.to)).toEqual(byStatus)
      }
      const events = cases.reduce((sum, entries) => sum + entries.length, 0)
      process.stdout.write(
        `${name}: ${histories.size} cases, ${events} events, ${byStatus.pairs.length} pairs of statuses and ${byActivity.pairs.length} of activities, found by pm4py ${tool.version}\n`,
      )
    })
  }

  test('finds every text as it was, in both formats', async () => {
    const letters = workflow('letters', { object: unchecked<object>(), graph: { 'a "b" <c>': { callback: ['=d'] }, '=d': {} } })
    await using client = asDisposable(letters.client(memory()))
    const reasons = new Map<string, string>()
    for (const reason of hostile) {
      const runId = await client.trigger(`order ${reason.toWellFormed().replaceAll(/[^ -~]/g, '?')}`, {
        initialValue: {},
        metadata: { 'a b': reason },
      })
      await client.pause(runId, { reason, actor: 'ann' })
      reasons.set(runId, reason)
    }
    if (typeof tool === 'string') throw new Error('there is no tool')
    const [found] = tool.read([{ csv: await textOf(client, 'csv'), xes: await textOf(client, 'xes') }])
    for (const [runId, reason] of reasons) {
      const [xes, csv] = [found?.xes, found?.csv].map((log) => log?.cases[runId]?.map((event) => [event[0], event[1], event[5]['reason']]))
      const trigger = ['trigger', 'a "b" <c>', '']
      const guarded = /^\s*[=+\-@]|^['\t\r\n]/.test(reason) ? `'${legal(reason)}` : legal(reason)
      expect(xes).toEqual([trigger, ['pause', 'a "b" <c>', legal(reason)]])
      expect(csv).toEqual([trigger, ['pause', 'a "b" <c>', guarded]])
    }
  })
})

function asDisposable<T extends { close: () => Promise<void> }>(client: T): T & AsyncDisposable {
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}
