/**
 * Where Chromium is on this machine: what `CHROMIUM` names, the one of the system, or one from npm, which is fetched once into a
 * cache folder (68 MB, and 205 MB unpacked) and needs nothing of the system but its C library. `node
 * scripts/services/chromium-binaries.ts` makes sure that there is one, and says where.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { arch, homedir, platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'

export interface ChromiumBinary {
  readonly program: string
  /** Beside those of this process: where its libraries and fonts are, for the one from npm. */
  readonly env: Readonly<Record<string, string>>
  /** Where it comes from, for messages. */
  readonly origin: string
}

/** The version that is fetched where there is none. */
export const chromiumVersion = '153.0.0'

const fetched = `@sparticuz/chromium@${chromiumVersion}`
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** What can be started here as it is. Throws where `CHROMIUM` names what is not there. */
export function chromiumBinary(): ChromiumBinary | undefined {
  const named = process.env['CHROMIUM']
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new Error(`CHROMIUM names ${named}, and nothing is there`)
    return { program: named, env: {}, origin: 'CHROMIUM' }
  }
  return systemChromium() ?? cachedChromium()
}

/** The program, fetched if need be: half a minute, once. Safe when two do it at once. Throws with what a person has to do. */
export async function installChromium(): Promise<ChromiumBinary> {
  const found = chromiumBinary()
  if (found !== undefined) return found
  const reasons: string[] = []
  for (const install of [installFromNpm, installFromDebian]) {
    try {
      return await install()
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new Error(`install Chromium, or set CHROMIUM to the path of one: ${reasons.join('; ')}`)
}

function systemChromium(): ChromiumBinary | undefined {
  const folders = ['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')]
  const program = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path))
  return program === undefined ? undefined : { program, env: {}, origin: program }
}

function cachedChromium(): ChromiumBinary | undefined {
  const program = join(cache(), 'chromium')
  if (!existsSync(program)) return undefined
  const libraries = [join(cache(), 'lib'), process.env['LD_LIBRARY_PATH'] ?? ''].filter((path) => path !== '').join(delimiter)
  return { program, env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(cache(), 'fonts.conf') }, origin: `${fetched} from npm` }
}

/** The package has the program and its libraries in compressed files; its own code unpacks them for one cloud only. */
export async function installFromNpm(): Promise<ChromiumBinary> {
  if (platform() !== 'linux' || arch() !== 'x64') throw new Error(`${fetched} of npm is made for Linux on x64 only`)
  mkdirSync(join(cache(), '..'), { recursive: true })
  // Beside the cache, so that moving it there is one step: another who fetches at the same time sees all of it or nothing.
  const work = mkdtempSync(`${cache()}-`)
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', work, fetched], work)
    const archive = readdirSync(work).find((name) => name.endsWith('.tgz'))
    if (archive === undefined) throw new Error(`npm has packed no ${fetched}`)
    await run('tar', ['-xzf', archive], work)
    const packed = join(work, 'package', 'bin')
    const ready = join(work, 'ready')
    mkdirSync(ready)
    await unpack(join(packed, 'chromium.br'), join(ready, 'chromium'), 0o755)
    for (const name of ['al2023', 'fonts']) {
      await unpack(join(packed, `${name}.tar.br`), join(work, `${name}.tar`), 0o644)
      await run('tar', ['-xf', join(work, `${name}.tar`), '-C', ready], work)
    }
    writeFileSync(join(ready, 'fonts.conf'), fontSettings(cache()))
    renameSync(ready, cache())
  } catch (error) {
    // Somebody else was first.
    if (!existsSync(join(cache(), 'chromium'))) throw error
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  const installed = cachedChromium()
  if (installed === undefined) throw new Error(`${fetched} has put no program into ${cache()}`)
  return installed
}

/** For machines whose kind the package of npm is not made for, by whoever may. */
export async function installFromDebian(): Promise<ChromiumBinary> {
  if (process.getuid?.() !== 0) throw new Error('only root can install it from Debian')
  if (spawnSync('apt-get', ['--version']).status !== 0) throw new Error('there is no apt-get')
  await run('apt-get', ['update'], '/')
  await run('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], '/')
  const installed = systemChromium()
  if (installed === undefined) throw new Error('the package chromium has brought no program')
  return installed
}

/** The fonts of the system, and those of the package where it has none. */
function fontSettings(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>${folder}/fonts</dir>
</fontconfig>
`
}

async function unpack(from: string, to: string, mode: number): Promise<void> {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode }))
}

function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'workflow-services', `chromium-${chromiumVersion}`)
}

async function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = `${output}${text}`.slice(-2_000)
  })
  const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${output}`)
}

if (import.meta.main) {
  const { program, origin } = await installChromium()
  console.log(`Chromium is ${program}, ${origin}`)
}
