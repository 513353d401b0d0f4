/** Where orders come from: a file, stdin, or the sample. */
import { createReadStream, fstatSync } from 'node:fs'
import { access, constants, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { UsageError } from './cli-options.ts'

export interface OrderSource {
  /** For people, e.g. 'stdin'. */
  readonly name: string
  readonly kind: 'file' | 'stdin' | 'sample' | 'none'
  /** The text, in chunks of any size. */
  readonly chunks: AsyncIterable<string>
  /** What to say about the choice. */
  readonly note?: string
}

export interface SourceOptions {
  readonly file?: string
  readonly resume: boolean
  readonly sample: string
  readonly stdin: Readable
  /** Whether somebody may have piped something into stdin. */
  readonly piped: boolean
  /** How long to wait for the first byte of a pipe that nobody announced. */
  readonly patienceMs: number
}

/** Finds the source. Throws `UsageError` for a file that cannot be read. */
export async function orderSource(options: SourceOptions): Promise<OrderSource> {
  const { file, resume, stdin } = options
  if (resume) return { name: 'no new orders', kind: 'none', chunks: nothing() }
  if (file === '-') return { name: 'stdin', kind: 'stdin', chunks: textOf(stdin) }
  if (file !== undefined) {
    await assertReadable(file)
    return { name: basename(file), kind: 'file', chunks: textOf(createReadStream(file)) }
  }
  const sample: OrderSource = { name: 'the sample orders', kind: 'sample', chunks: textOf(createReadStream(options.sample)) }
  if (!options.piped) return sample
  const first = await firstOf(stdin, options.patienceMs)
  if (first === 'data') return { name: 'stdin', kind: 'stdin', chunks: textOf(stdin) }
  stdin.destroy()
  const why = first === 'end' ? 'Stdin is empty' : 'Nothing comes in from stdin (--file - would wait for it)'
  return { ...sample, note: `${why}: taking the sample orders.` }
}

/** Whether stdin is a pipe or a file. A terminal is not, nor is /dev/null. */
export function isPiped(fd: number): boolean {
  try {
    const stats = fstatSync(fd)
    return stats.isFIFO() || stats.isFile() || stats.isSocket()
  } catch {
    return false
  }
}

async function assertReadable(file: string): Promise<void> {
  try {
    await access(file, constants.R_OK)
  } catch (error) {
    throw new UsageError(`the orders cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if ((await stat(file)).isDirectory()) throw new UsageError(`the orders cannot be read: ${file} is a folder`)
}

function firstOf(stdin: Readable, patienceMs: number): Promise<'data' | 'end' | 'silence'> {
  return new Promise((resolve) => {
    const settle = (answer: 'data' | 'end' | 'silence'): void => {
      clearTimeout(timer)
      stdin.removeListener('readable', look)
      stdin.removeListener('error', ended)
      resolve(answer)
    }
    const look = (): void => {
      const chunk: unknown = stdin.read()
      if (chunk === null) return settle('end')
      stdin.unshift(chunk)
      settle('data')
    }
    const ended = (): void => settle('end')
    const timer = setTimeout(() => settle('silence'), patienceMs)
    stdin.once('readable', look)
    stdin.once('error', ended)
  })
}

function textOf(stream: Readable): AsyncIterable<string> {
  return stream.setEncoding('utf8')
}

async function* nothing(): AsyncGenerator<string> {}
