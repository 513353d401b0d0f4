import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { readable } from './readable-error.ts'
import { UsageError } from './usage-error.ts'

/** A file that is there once it is whole: until `keep` it has another name, and without it nothing is left. */
export class LogFile implements AsyncDisposable {
  readonly #path: string
  readonly #partial: string
  readonly #handle: FileHandle
  #isKept = false

  private constructor(path: string, partial: string, handle: FileHandle) {
    this.#path = path
    this.#partial = partial
    this.#handle = handle
  }

  /** Throws `UsageError` if nothing can be written there. */
  static async open(path: string): Promise<LogFile> {
    const partial = `${path}.partial`
    try {
      // Another export into the same file is under way, or has been killed: its file is not to be mixed with this one.
      return new LogFile(path, partial, await open(partial, 'wx'))
    } catch (error) {
      const hint = readable(error).includes('EEXIST') ? `: another export writes it; if it was killed, remove that file` : ''
      throw new UsageError(`${partial} cannot be written${hint}`, { cause: error })
    }
  }

  async write(text: string): Promise<void> {
    await this.#handle.appendFile(text)
  }

  /** Replaces a file that was there before. */
  async keep(): Promise<void> {
    await this.#handle.close()
    await rename(this.#partial, this.#path)
    this.#isKept = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isKept) return
    await this.#handle.close()
    await rm(this.#partial, { force: true })
  }
}
