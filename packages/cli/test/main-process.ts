/** A Node of its own that carries out command lines, one after the other: configs are loaded as the program loads them. */
import { main } from '../src/main.ts'

let last: Promise<unknown> = Promise.resolve()

process.on('message', ({ id, args, cwd, msMax }: { id: number; args: readonly string[]; cwd: string; msMax?: number }) => {
  last = last.then(async () => {
    process.chdir(cwd)
    let written = ''
    const write = async (text: string): Promise<void> => void (written += text)
    const { close, stdout, ...outcome } = await main(args, { cwd, write, ...(msMax === undefined ? undefined : { msMax }) })
    await close()
    process.send?.({ id, ...outcome, stdout: written + stdout })
  })
})

// What a config has left open does not keep this one alive.
process.on('disconnect', () => process.exit())
