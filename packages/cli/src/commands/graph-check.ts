/** `workflow graph check`: which stored runs the code would strand. */
import type { Compatibility } from '@workflow/core'
import type { Answer, Command, CommandInput } from '../command.ts'
import { exitCodes } from '../exit-code.ts'
import { counted, printable, textTable } from '../text-table.ts'
import { unlistedWorkflows } from '../unlisted-workflows.ts'
import { UsageError } from '../usage-error.ts'

const shownIds = 3

export const graphCheck: Command = {
  words: ['graph', 'check'],
  summary: 'compare the graphs of the code with stored unfinished runs, and list those that it would strand',
  operands: '[workflow…]',
  options: {
    inspect: { value: '<n|all>', summary: 'how many runs of each status to look into, besides comparing statuses (default 1000)' },
    samples: { value: '<n>', summary: 'how many run ids to give for each finding (default 10; the table shows the first 3)' },
  },
  run: checkGraphs,
}

interface Report {
  readonly ok: boolean
  readonly workflows: readonly Compatibility[]
  /** Names of workflows that have unfinished runs in the store and are not in the config; of those that a look at some runs shows. */
  readonly unlisted: readonly string[]
}

async function checkGraphs({ operands, options, config }: CommandInput): Promise<Answer> {
  const { inspect, samples } = options
  const asked = {
    ...(inspect === undefined ? undefined : { inspect: inspect === 'all' ? ('all' as const) : wholeNumber(inspect, '--inspect') }),
    ...(samples === undefined ? undefined : { samples: wholeNumber(samples, '--samples', 1_000) }),
  }
  const workflows: Compatibility[] = []
  for (const client of await config.clients(operands)) {
    if (typeof client.compatibility !== 'function')
      throw new UsageError(`workflow '${client.contract.name}' is built with a @workflow/core that cannot compare graphs: update it`)
    workflows.push(await client.compatibility(asked))
  }
  const unlisted = operands.length > 0 ? [] : await unlistedWorkflows(await config.infrastructure(), config.names)
  const report: Report = { ok: workflows.every(({ ok }) => ok), workflows, unlisted }
  return { code: report.ok ? exitCodes.fine : exitCodes.found, json: report, text: textOf(report) }
}

function wholeNumber(text: string, option: string, max: number = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (number <= max) return number
  const range = max === Number.MAX_SAFE_INTEGER ? "a whole number or 'all'" : `a whole number up to ${max}`
  throw new UsageError(`${option} must be ${range}; got '${text}'`)
}

function textOf({ workflows, unlisted }: Report): string {
  const lines = workflows.flatMap(workflowLines)
  if (unlisted.length > 0)
    lines.push(
      `note: the store has unfinished runs of ${unlisted.map((name) => `'${printable(name)}'`).join(', ')}, which the config does not list: nobody compared them`,
    )
  return lines.join('\n')
}

function workflowLines(found: Compatibility): readonly string[] {
  const { workflowName, ok, stranded, unfinished, complete, inspected, known } = found
  const runs = `${counted(unfinished)} unfinished run${unfinished === 1 ? '' : 's'}`
  if (!known)
    return [`${workflowName}: compatible, it has never run on this store. If it has somewhere, check which store the config opens`]
  const partly = complete ? [] : [`  looked into ${counted(inspected)} of them; --inspect all looks into every one`]
  if (ok) return [`${workflowName}: compatible with its ${runs}`, ...partly]
  const rows = stranded.map(({ status, count, atLeast, reason, name = '', runIds }) => [
    status,
    `${atLeast ? '≥ ' : ''}${counted(count)}`,
    reason,
    name,
    `${runIds.slice(0, shownIds).join(' ')}${runIds.length > shownIds ? ' …' : ''}`,
  ])
  const table = textTable(['STATUS', 'RUNS', 'REASON', 'WHICH', 'RUN IDS'], rows)
  return [
    `${workflowName}: would strand some of its ${runs}`,
    ...partly,
    ...table.map((line) => `  ${line}`),
    ...stranded.map(({ status, reason, text }) => `  ${printable(status)}, ${reason}: ${printable(text)}`),
  ]
}
