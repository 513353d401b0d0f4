/** Runs the simulation on sources of core with a bug in them. A thread of its own: what it has loaded is nobody else's. */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { PlantedBug } from './planted-bug.ts'

/** How a bug was found. */
export interface Finding {
  /** How many seeds it took; undefined: it was not found. */
  readonly seeds: number | undefined
  readonly invariant: string | undefined
  readonly message: string | undefined
  readonly ms: number
}

/** Small seeds: many different ones find more than few large ones. */
const size = { runs: 20, faults: 20 }

/** Looks for a bug, from seed 1, in as many seeds as it may take. Rejects if the sources are not as the bug expects them. */
export function lookFor(bug: PlantedBug): Promise<Finding> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { bug }, execArgv: ['--conditions=@workflow/source'] })
    worker.on('message', resolve)
    worker.on('error', reject)
    worker.on('exit', (code) => reject(new Error(`looking for '${bug.name}' ended with code ${code}`)))
  })
}

/** The source with the bug. */
export function withBug(source: string, { name, file, from, to }: PlantedBug): string {
  const parts = source.split(from)
  if (parts.length !== 2)
    throw new Error(
      `'${name}' cannot be planted: ${file} has its place ${parts.length - 1} times. The source has changed: change the bug, too.`,
    )
  return parts.join(to)
}

async function look(bug: PlantedBug): Promise<Finding> {
  const start = performance.now()
  let planted = false
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(`/core/src/${bug.file}`)) return loaded
      planted = true
      return { ...loaded, source: withBug(String(loaded.source), bug) }
    },
  })
  const { runRandomSeed } = await import('../random-seed.ts')
  const { faultKinds } = await import('../../../src/simulation/fault.ts')
  for (let seed = 1; seed <= bug.within; seed++) {
    const { violation } = await runRandomSeed({ seed, ...size, without: [], kinds: faultKinds })
    if (!planted) throw new Error(`'${bug.name}' was not planted: nothing has loaded ${bug.file}`)
    if (violation !== undefined) return { seeds: seed, ...violation, ms: performance.now() - start }
  }
  return { seeds: undefined, invariant: undefined, message: undefined, ms: performance.now() - start }
}

// The cast holds because only `lookFor` starts this file as a thread.
const given = workerData as { readonly bug?: PlantedBug } | null
if (!isMainThread && given?.bug !== undefined) {
  const finding = await look(given.bug)
  parentPort?.postMessage(finding)
}
