/** Single keys of a terminal, without Enter. */
import type { ReadStream } from 'node:tty'

const ctrlC = '\u0003'

/** Keys that were not asked for yet wait. In this mode Ctrl-C is a key: `interrupt` is told. */
export async function* pressedKeys(
  stdin: Pick<ReadStream, 'setRawMode' | 'setEncoding' | typeof Symbol.asyncIterator>,
  interrupt: () => void,
): AsyncGenerator<string> {
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  try {
    for await (const text of stdin) {
      for (const key of String(text)) {
        if (key === ctrlC) interrupt()
        else yield key
      }
    }
  } finally {
    stdin.setRawMode(false)
  }
}
