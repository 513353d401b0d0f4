/**
 * Windows of a browser with a page that is live, without the browser: each reads the changes and asks again as its page does, which is
 * a second after its last answer and only if something of what it shows has changed.
 */
import { setTimeout as sleep } from 'node:timers/promises'

interface LivePage {
  readonly path: string
  /** Which changes it asks anew for. The list of runs applies them by itself, and asks only where it may have missed some. */
  readonly concerns: 'all' | 'ends' | 'none'
}

const root = '/workflows/orders'
/** Of each page as many windows as of the others. */
const pages: readonly LivePage[] = [
  { path: '/overview', concerns: 'all' },
  { path: root, concerns: 'all' },
  { path: `${root}/analytics`, concerns: 'ends' },
  { path: `${root}/runs?limit=200`, concerns: 'none' },
]
/** As `gapMs` of the pages. */
const gapMs = 1_000

export interface Viewers extends AsyncDisposable {
  /** Of all viewers, until now. */
  readonly seen: () => { readonly changes: number; readonly answers: number; readonly refreshes: number }
}

/** Opens so many windows; resolves when each has its first answer. */
export async function openViewers(url: string, count: number): Promise<Viewers> {
  const over = new AbortController()
  const seen = { changes: 0, answers: 0, refreshes: 0 }
  const windows = Array.from({ length: count }, (_, i) => view(`${url}/api/v1`, pages[i % pages.length] as LivePage, seen, over.signal))
  await Promise.all(windows.map(({ shown }) => shown))
  return {
    seen: () => ({ ...seen }),
    [Symbol.asyncDispose]: async () => {
      over.abort()
      await Promise.all(windows.map(({ closed }) => closed))
    },
  }
}

interface Seen {
  changes: number
  answers: number
  refreshes: number
}

/** One window. `closed` rejects if the server ends what it sends, or refuses. */
function view(
  api: string,
  page: LivePage,
  seen: Seen,
  signal: AbortSignal,
): { readonly shown: Promise<void>; readonly closed: Promise<void> } {
  let wanted = false
  let asking = false
  const ask = async (): Promise<void> => {
    wanted = true
    if (asking) return
    asking = true
    while (wanted && !signal.aborted) {
      await sleep(gapMs, undefined, { signal })
      wanted = false
      await answer(`${api}${page.path}`, seen, signal)
    }
    asking = false
  }
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const changes = occurrences(chunk, 'event: change\n')
      const refreshes = occurrences(chunk, 'event: refresh\n')
      seen.changes += changes
      seen.refreshes += refreshes
      const concerned = page.concerns === 'all' ? changes > 0 : page.concerns === 'ends' && chunk.includes('"state":"Completed"')
      if (concerned || refreshes > 0) ask().catch(() => undefined)
    }
  }
  const shown = answer(`${api}${page.path}`, seen, signal)
  const stream = fetch(`${api}/changes`, { signal })
  return {
    shown: Promise.all([shown, stream]).then(() => undefined),
    closed: stream
      .then(async ({ body }) => {
        if (body !== null) await read(body)
        throw new Error('the server has ended a stream')
      })
      .catch((error: unknown) => {
        if (!signal.aborted) throw error
      }),
  }
}

async function answer(url: string, seen: Seen, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal })
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${url} was answered with ${response.status}`)
  seen.answers++
}

function occurrences(text: string, part: string): number {
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++
  return count
}
