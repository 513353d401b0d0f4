/** A Node of its own that carries out command lines, one after the other: configs are loaded as the program loads them. */
import { main } from '../src/main.ts'

let last: Promise<unknown> = Promise.resolve()

process.on('message', ({ id, args, cwd }: { id: number; args: readonly string[]; cwd: string }) => {
  last = last.then(async () => {
    process.chdir(cwd)
    const { close, ...outcome } = await main(args, cwd)
    await close()
    process.send?.({ id, ...outcome })
  })
})
