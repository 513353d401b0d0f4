import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from './workspace-packages.ts'

const folder = mkdtempSync(join(tmpdir(), 'toolchain-'))
afterAll(() => rmSync(folder, { recursive: true }))

function start(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'scripts', 'with-toolchain.mjs'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  return { child, output: () => output, closed: once(child, 'close') }
}

/** A program that says its pid, and how it was told to stop. */
function patientProgram(): string {
  const file = join(folder, 'patient.mjs')
  writeFileSync(
    file,
    `for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { console.log(signal); process.exit(3) })
setInterval(() => {}, 1000)
console.log('pid', process.pid)`,
  )
  return file
}

async function line(running: ReturnType<typeof start>, pattern: RegExp): Promise<string> {
  for (;;) {
    const found = pattern.exec(running.output())
    if (found !== null) return found[1] ?? ''
    await once(running.child.stdout, 'data')
  }
}

it('hands over arguments, standard input and the exit code', async () => {
  const program = `process.stdin.on('data', (text) => { console.log(process.argv[1], String(text)); process.exit(7) })`
  const running = start('node', '-e', program, 'with blank')
  running.child.stdin.end('hello')
  expect(await running.closed).toEqual([7, null])
  expect(running.output()).toBe('with blank hello\n')
})

it('runs a script of a package in its folder, with the arguments', async () => {
  const manifest = { scripts: { show: 'node -p "[process.cwd(), ...process.argv.slice(1)].join()"' } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const running = start('--script', folder, 'show', 'a b', 'c')
  expect(await running.closed).toEqual([0, null])
  expect(running.output()).toBe(`${folder},a b,c\n`)
})

it('says which script is missing', async () => {
  expect(await start('--script', folder, 'nothing').closed).toEqual([1, null])
})

it('hands on a signal and waits for the end', async () => {
  const running = start('node', patientProgram())
  await line(running, /pid (\d+)/)
  running.child.kill('SIGTERM')
  expect(await running.closed).toEqual([3, null])
  expect(running.output()).toContain('SIGTERM')
})

it('leaves nothing behind when it is killed outright', async () => {
  const running = start('node', patientProgram())
  await line(running, /pid (\d+)/)
  running.child.kill('SIGKILL')
  // Its standard output is closed when the last process that holds it has ended.
  await running.closed
  expect(running.output()).toContain('SIGTERM')
})
