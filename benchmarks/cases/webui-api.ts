/** What the requests of the web UI's pages take where very many runs are stored. The server is a process that does nothing else. */
import type { Case } from '../harness/bench.ts'
import { Child } from '../harness/child.ts'
import { Histogram } from '../harness/histogram.ts'
import type { KeptClaims } from '../harness/kept-claims.ts'
import { type PageRequest, pageRequests } from '../harness/page-requests.ts'
import type { Figure } from '../harness/report.ts'

/** So many requests of each kind are measured, on all servers together; fewer where few runs are stored. */
const requestsMax = 200
const runsPerRequest = 40
const warmUps = 5

interface Measured {
  /** Of each server, which keeps nothing yet. */
  readonly first: number[]
  readonly later: Histogram
  /** Until there is a run to show, or until none is left to look at, and how many answers that takes. */
  readonly shown: { readonly ms: number; readonly answers: number }[]
}

/** A page of runs, as far as it matters here. */
interface Page {
  readonly items?: readonly unknown[]
  readonly cursor?: string
}

/** Each repeat has a server of its own, whose first answer to each kind of request is measured apart. */
export function webuiApi(name: string, claims: KeptClaims): Case {
  return {
    name,
    runs: 1_000_000,
    measure: async ({ runs, repeats }) => {
      const stored = await claims.of(runs)
      const requests = pageRequests(stored)
      const count = Math.min(requestsMax, runs / runsPerRequest)
      const measured = new Map(requests.map((each): [PageRequest, Measured] => [each, { first: [], later: new Histogram(), shown: [] }]))
      for (let i = 0; i < repeats; i++) {
        await using server = new Child('webui', [stored.address])
        const { url } = await server.next<{ url: string }>()
        for (const [request, found] of measured) await measure(`${url}/api/v1`, request, found, Math.ceil(count / repeats))
        await server.end()
      }
      return [...measured].flatMap(([request, found]) => figures(request.name, found))
    },
  }
}

async function measure(api: string, request: PageRequest, { first, later, shown }: Measured, count: number): Promise<void> {
  let cursor: string | undefined
  for (let i = 0; i <= warmUps + count; i++) {
    const from = performance.now()
    const paths = request.paths(i).map((path) => (cursor === undefined ? path : `${path}&cursor=${encodeURIComponent(cursor)}`))
    const answers = await Promise.all(paths.map((path) => answered(`${api}${path}`)))
    const ms = performance.now() - from
    const page = request.finds || request.onward ? pageOf(answers[0]) : undefined
    if (request.finds && page?.items?.length === 0) throw new Error(`${request.name}: no run is found by ${paths.join()}`)
    if (i === 0) first.push(ms)
    else if (i > warmUps) later.add(ms)
    if (request.onward) cursor = page?.cursor
  }
  const [path = ''] = request.paths(0)
  if (request.filter) shown.push(await untilShown(`${api}${path}`))
}

/** Asks on as the page does while nothing is found. */
async function untilShown(url: string): Promise<{ readonly ms: number; readonly answers: number }> {
  const from = performance.now()
  let page = pageOf(await answered(url))
  let answers = 1
  for (; page.items?.length === 0 && page.cursor !== undefined; answers++)
    page = pageOf(await answered(`${url}&cursor=${encodeURIComponent(page.cursor)}`))
  return { ms: performance.now() - from, answers }
}

/** The text of an answer: to parse it is the browser's. */
async function answered(url: string): Promise<string> {
  const response = await fetch(url)
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} was answered with ${response.status}: ${text}`)
  return text
}

function pageOf(text: string | undefined): Page {
  // The server checks its answers against its description of them.
  return JSON.parse(text ?? '{}') as Page
}

function figures(name: string, { first, later, shown }: Measured): readonly Figure[] {
  const of = (metric: string, ...values: readonly number[]): Figure => ({ metric: `${name}, ${metric}`, unit: 'ms', values })
  const all = [of('first', ...first), of('p50', later.percentile(50)), of('p95', later.percentile(95)), of('max', later.max)]
  // Mostly the first answer has something to show.
  if (shown.every(({ answers }) => answers === 1)) return all
  const until = of('until one is shown', ...shown.map(({ ms }) => ms))
  return [...all, until, { metric: `${name}, answers until one is shown`, unit: '', values: shown.map(({ answers }) => answers) }]
}
