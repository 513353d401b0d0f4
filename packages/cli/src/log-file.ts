import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
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
    // Better now than when everything has been read.
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true)
      throw new UsageError(`${path} is a folder: --out takes the path of a file`)
    try {
      // Another export into the same file is under way, or has been killed: its file is not to be mixed with this one.
      return new LogFile(path, partial, await open(partial, 'wx'))
    } catch (error) {
      const hint = readable(error).includes('EEXIST') ? `: another export writes it; if it was killed, remove that file` : ''
      throw new UsageError(`${partial} cannot be written${hint}`, { cause: error })
    }
  }

  /** Throws `UsageError` if it cannot be written, e.g. because the disk is full. */
  async write(text: string): Promise<void> {
    await this.#writing(() => this.#handle.appendFile(text))
  }

  /** Replaces a file that was there before, once all of it is on the disk. Throws `UsageError` if that cannot be. */
  async keep(): Promise<void> {
    await this.#writing(async () => {
      await this.#handle.sync()
      await this.#handle.close()
      await rename(this.#partial, this.#path)
    })
    this.#isKept = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isKept) return
    await this.#handle.close()
    await rm(this.#partial, { force: true })
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      throw new UsageError(`${this.#path} could not be written; what was there before is untouched`, { cause: error })
    }
  }
}
