/**
 * Cuts a stream of text into lines at `\n`, and nowhere else: JSON may hold U+2028, at which Node's readline would cut.
 */

/** A line that is longer than an order can be. */
export const tooLong: unique symbol = Symbol('too long')
const lineLengthMax = 1_000_000

/** Without their line ends and without a byte order mark. Never holds more than one line and one chunk. */
export async function* textLines(chunks: AsyncIterable<string>): AsyncGenerator<string | typeof tooLong> {
  let rest = ''
  let skipping = false
  let first = true
  for await (const chunk of chunks) {
    const pieces = `${rest}${first ? chunk.replace(/^\uFEFF/, '') : chunk}`.split('\n')
    first = false
    rest = pieces.pop() ?? ''
    for (const piece of pieces) {
      yield skipping || piece.length > lineLengthMax ? tooLong : piece.replace(/\r$/, '')
      skipping = false
    }
    if (rest.length > lineLengthMax) {
      rest = ''
      skipping = true
    }
  }
  if (skipping) yield tooLong
  else if (rest !== '') yield rest
}
