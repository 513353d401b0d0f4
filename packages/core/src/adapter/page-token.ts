import { InvalidArgument } from '../errors.ts'
import type { PageOptions } from '../model/run-query.ts'

/** What a key of a keyset page may consist of. */
export type PageKey = readonly (string | number | bigint)[]

type PartName = 'string' | 'number' | 'bigint'
type PartOf<Name extends PartName> = Name extends 'string' ? string : Name extends 'number' ? number : bigint
/** The key that a shape describes: `['bigint', 'string']` is a `[bigint, string]`. */
export type KeyOf<Shape extends readonly PartName[]> = { -readonly [Index in keyof Shape]: PartOf<Shape[Index]> }

/** Largest page that the ports allow. */
const limitMax = 1_000
/** One letter per type, so that `1`, `1n` and `'1'` stay apart. */
const marks: Readonly<Record<PartName, string>> = { string: 's', number: 'n', bigint: 'b' }

/** The `next` of a page whose last item has `key`. `listing` names the listing and its order, so that tokens of another one are refused. */
export function encodePageToken(listing: string, key: PageKey): string {
  const parts = key.map((part) => marks[typeof part as PartName] + String(part))
  return Buffer.from(JSON.stringify([listing, ...parts]), 'utf8').toString('base64url')
}

/**
 * The key in the `after` of a page, or undefined for the first page. Throws `InvalidArgument` for a text that
 * `encodePageToken` did not make for this listing, with a key of this shape.
 */
export function decodePageToken<const Shape extends readonly PartName[]>(
  listing: string,
  after: string | undefined,
  shape: Shape,
): KeyOf<Shape> | undefined {
  if (after === undefined) return undefined
  const key = parseKey(listing, after, shape)
  // Base64 and JSON have many spellings of one value; only the one that we write is ours.
  if (key === undefined || encodePageToken(listing, key) !== after) {
    throw new InvalidArgument(
      `${JSON.stringify(String(after).slice(0, 80))} is not the 'next' of a page of ${listing}; give 'after' exactly as the page before had it`,
    )
  }
  // Each part was made by the mark of its own type in `parseKey`.
  return key as KeyOf<Shape>
}

function parseKey(listing: string, after: string, shape: readonly PartName[]): PageKey | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
    if (!Array.isArray(parts) || parts.length !== shape.length + 1 || parts[0] !== listing) return undefined
    return shape.map((name, index) => parsePart(name, parts[index + 1]))
  } catch {
    return undefined
  }
}

function parsePart(name: PartName, part: unknown): string | number | bigint {
  if (typeof part !== 'string' || part[0] !== marks[name]) throw new TypeError(`no ${name}`)
  const text = part.slice(1)
  if (name === 'string') return text
  return name === 'number' ? Number(text) : BigInt(text)
}

/** Throws `InvalidArgument` unless `limit` is a whole number from 1 to 1,000. */
export function assertPageLimit(page: PageOptions): void {
  if (!Number.isInteger(page.limit) || page.limit < 1 || page.limit > limitMax) {
    throw new InvalidArgument(`a page's limit must be a whole number from 1 to ${limitMax}; got ${String(page.limit)}`)
  }
}
