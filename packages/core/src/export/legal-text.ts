/** What XML 1.0 has no way to write: most control characters, halves of surrogate pairs, U+FFFE and U+FFFF. */
const illegal = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu

/** Most texts: no reader of either format minds any of these characters, nor the first one where it is. */
const plain = /^[A-Za-z0-9][A-Za-z0-9 ._:/-]*[A-Za-z0-9]$/

/** Whether a text can be written as it is, wherever it stands. */
export function isPlain(text: string): boolean {
  return plain.test(text)
}

/** A text that any reader of XML, CSV or UTF-8 takes: what none of them could carry is U+FFFD. */
export function legalText(text: string): string {
  return text.replace(illegal, '\uFFFD')
}
