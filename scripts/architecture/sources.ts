/** What no file may hold, and how files are named and how long they may be. */
import { posix } from 'node:path'
import type { SourceFile } from './layers.ts'
import { isTest } from './layers.ts'

const linesMax = 400

/** Written in pieces, so that this file does not break its own rule. */
const forbidden: readonly { readonly pattern: RegExp; readonly says: string }[] = [
  { pattern: new RegExp(`(?<![\\w.~-])/(?:home|root|Users|work|opt)/[\\w.-]+`), says: 'a path of one machine' },
  { pattern: new RegExp(`registry\\.(?:npmjs|yarnpkg)\\.(?:org|com)`), says: 'the address of a registry' },
  { pattern: new RegExp(`\\.\\./${'shared'}\\b`), says: 'a path out of the repository' },
  { pattern: new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`), says: 'a note of unfinished work' },
]

/** Words that may not be in a file, with their line. */
export function wordFaults({ path, text }: SourceFile): readonly string[] {
  return text
    .split('\n')
    .flatMap((line, i) => forbidden.filter(({ pattern }) => pattern.test(line)).map(({ says }) => `${path}: line ${i + 1} has ${says}`))
}

/** Names and lengths of modules. */
export function shapeFaults({ path, text }: SourceFile): readonly string[] {
  if (!/\.m?ts$|\.mjs$/.test(path)) return []
  const name = posix.basename(path).replace(/(\.[a-z-]+)+$/, '')
  const lines = text.split('\n').length - 1
  const faults: string[] = []
  if (lines > linesMax) faults.push(`${path} has ${lines} lines, and ${linesMax} is the most: split it by meaning`)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) faults.push(`${path}: file names are kebab-case`)
  if (/\/src\/(.*\/)?(utils?|helpers?|common|misc|types)(\/|\.ts$)/.test(path)) faults.push(`${path}: name it after what it holds`)
  return faults
}

/** The one thing that the linter's rules about core and its ports cannot say: a date is made from a given time. */
export function dateFaults({ path, text }: SourceFile): readonly string[] {
  if (!path.startsWith('packages/core/src/') || path.startsWith('packages/core/src/system/') || isTest(path)) return []
  return text.split('\n').flatMap((line, i) => {
    const code = line.replace(/\/\/.*$|^\s*\/?\*.*$/g, '')
    const asks = /\bnew Date\(\s*\)|(?<!new |\.|\w)Date\(/.test(code)
    return asks ? [`${path}: line ${i + 1} asks the machine for the time: take it from the Clock`] : []
  })
}
