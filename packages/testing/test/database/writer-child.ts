import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A child that writes until it is killed, and what it has said. */
export interface WriterChild {
  readonly lines: readonly string[]
  /** Waits until it has said at least so many lines. */
  readonly said: (count: number) => Promise<void>
  readonly kill: () => Promise<void>
  /** Waits until it has ended by itself, and answers with its exit code. */
  readonly ended: () => Promise<number | null>
}

/** Starts a process that runs this script. */
export function startChild(script: URL, ...args: readonly string[]): WriterChild {
  const child = spawn(process.execPath, ['--conditions=@workflow/source', fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  const lines: string[] = []
  let rest = ''
  let listener: (() => void) | undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    listener?.()
  })
  return {
    lines,
    said: async (count) => {
      while (lines.length < count) {
        const more = new Promise<void>((resolve) => {
          listener = resolve
        })
        const code = await Promise.race([more, exit.then(([status]) => status ?? -1)])
        if (code !== undefined && lines.length < count) throw new Error(`the writer ended with ${code} after ${lines.length} lines`)
      }
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exit
    },
    ended: async () => (await exit)[0],
  }
}
