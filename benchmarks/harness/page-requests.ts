/** What the pages of the web UI ask their server, by page and filter: as packages/webui/app/pages does, with its limits. */
import { claimRunId, type StoredClaims } from './claims.ts'

export interface PageRequest {
  readonly name: string
  /** What is asked at once for the call of this number, below the API's path. */
  readonly paths: (i: number) => readonly string[]
  /** Whether it is a list by a filter: then it is also asked on until a run is there to show. */
  readonly filter?: boolean
  /** Whether there must be a run in the first answer: else what was filled is not what is asked for. */
  readonly finds?: boolean
  /** Whether each call asks for the page after that of the call before. */
  readonly onward?: boolean
}

const root = '/workflows/claims'
const hourMs = 3_600_000

export function pageRequests({ copies, firstSeq, newestMs }: StoredClaims): readonly PageRequest[] {
  const some = (i: number): number => (i * 7_919) % copies
  const runPath = (i: number): string => `${root}/runs/${claimRunId(firstSeq + some(i))}`
  const ofRun = ['', '/history?limit=500', '/timers?limit=500', '/explanation', '/children']
  const list = (
    name: string,
    filter: Readonly<Record<string, string>> | ((i: number) => Readonly<Record<string, string>>),
    finds = false,
  ): PageRequest => ({
    name: `runs ${name}`,
    paths: (i) => [
      `${root}/runs?${new URLSearchParams({ ...(typeof filter === 'function' ? filter(i) : filter), limit: '200' }).toString()}`,
    ],
    filter: true,
    finds,
  })
  const ago = (hours: number): string => new Date(newestMs - hours * hourMs).toISOString()
  return [
    { name: 'session', paths: () => ['/session'] },
    { name: 'dashboard', paths: () => ['/overview'] },
    list('unfiltered', {}, true),
    { name: 'runs page after page', paths: () => [`${root}/runs?limit=200`], onward: true },
    list('oldest first', { order: 'oldest' }, true),
    ...['Completed', 'Running', 'Paused', 'Cancelled', 'DataDeleted'].map((state) => list(`state ${state}`, { state })),
    ...['paid', 'refused', 'checked', 'filed'].map((status) => list(`status ${status}`, { status })),
    list('foreign id', (i) => ({ foreignId: `claim-${some(i)}` }), true),
    list('metadata of one in 100', (i) => ({ 'metadata.tenant': `tenant-${i % 100}` }), true),
    list('metadata of nobody', { 'metadata.tenant': 'nobody' }),
    list('parent', (i) => ({ parentRunId: claimRunId(firstSeq + some(i)) })),
    list('created after an hour ago', { createdAfter: ago(1) }, true),
    list('created before 5 days ago', { createdBefore: ago(120) }),
    list('oldest first, created after a day ago', { createdAfter: ago(24), order: 'oldest' }),
    list('updated before 5 days ago', { updatedBefore: ago(120) }),
    ...ofRun.map((part) => ({ name: `run${part.replace(/\?.*/, '').replace('/', ' ')}`, paths: (i: number) => [`${runPath(i)}${part}`] })),
    { name: 'run history with objects', paths: (i) => [`${runPath(i)}/history?objects=true&limit=50`] },
    { name: 'run, all at once', paths: (i) => ofRun.map((part) => `${runPath(i)}${part}`) },
    { name: 'workflow', paths: () => [root] },
    { name: 'analytics', paths: () => [`${root}/analytics`] },
  ]
}
