/** Every colour of text on every ground that it stands on, in both schemes: WCAG AA. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const text = readFileSync(join(import.meta.dirname, '../../app/styles/tokens.css'), 'utf8')
const dark = text.indexOf('@media (prefers-color-scheme: dark)')
const coloursOf = (css: string): ReadonlyMap<string, string> =>
  new Map([...css.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name = '', value = '']) => [name, value]))
const schemes = { light: coloursOf(text.slice(0, dark)), dark: coloursOf(text.slice(dark)) }

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter + 0.05) / (darker + 0.05)
}

const grounds = ['ground', 'surface', 'raised']
const onText: readonly (readonly [string, readonly string[]])[] = [
  ['ink', [...grounds, 'accent-soft', 'running-soft', 'paused-soft', 'failed-soft', 'completed-soft']],
  ['ink-soft', [...grounds, 'running-soft', 'accent-soft']],
  ['accent', [...grounds, 'accent-soft']],
  ['on-accent', ['accent']],
  ['surface', ['ink']],
  ['paused', ['surface', 'ground', 'paused-soft']],
  ['failed', ['surface', 'ground', 'failed-soft']],
  ['completed', ['surface', 'completed-soft']],
  ['running', ['surface', 'running-soft']],
  ['ended', ['surface', 'ended-soft']],
]

describe.each(['light', 'dark'] as const)('%s', (scheme) => {
  const colours = schemes[scheme]
  const ratio = (a: string, b: string): number => contrast(colours.get(a) ?? '', colours.get(b) ?? '')

  test('the same colours are there as in the other', () => {
    expect([...colours.keys()].sort()).toEqual([...schemes.light.keys()].sort())
  })

  test('text has 4.5 to 1', () => {
    const faint = onText.flatMap(([ink, on]) => on.map((ground) => ({ ink, ground, ratio: ratio(ink, ground) })))
    expect(faint.length).toBeGreaterThan(20)
    expect(faint.filter((one) => !(one.ratio >= 4.5))).toEqual([])
  })

  test('edges of what can be used have 3 to 1', () => {
    const edges = ['edge-strong', 'accent'].flatMap((edge) =>
      ['ground', 'surface'].map((ground) => ({ edge, ground, ratio: ratio(edge, ground) })),
    )
    expect(edges.filter((one) => !(one.ratio >= 3))).toEqual([])
  })
})
