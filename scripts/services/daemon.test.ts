import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { type Daemon, daemonAt, type DaemonPlace } from './daemon.ts'
import { freePorts, makeServerFolder, own } from './server-folder.ts'

const kind = 'daemon-test'
const open: DaemonPlace[] = []
const notReady = (): Promise<boolean> => Promise.resolve(false)

afterEach(() => {
  vi.unstubAllEnvs()
  for (const place of open.splice(0)) daemonAt(place, notReady).remove()
})

/** A server that says on its port what it is told by the file `says`; `script` is run first. */
async function echo(script = ''): Promise<{ readonly daemon: Daemon; readonly place: DaemonPlace; readonly port: number }> {
  const folder = makeServerFolder<DaemonPlace>(kind, (place) => daemonAt(place, notReady).remove())
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('one was asked for')
  const file = join(folder, 'server.cjs')
  writeFileSync(file, `${script}; require('node:net').createServer((s) => s.end('here')).listen(${port}, '127.0.0.1')`)
  const place: DaemonPlace = { folder, program: process.execPath, args: [file] }
  open.push(place)
  return { daemon: daemonAt(place, () => answers(port)), place, port }
}

function answers(port: number, patienceMs = 2_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.on('data', () => end(true))
    socket.on('error', () => end(false))
    socket.setTimeout(patienceMs, () => end(false))
  })
}

test('it is started, stopped, killed and started again', async () => {
  const { daemon, port } = await echo()
  await daemon.start()
  expect([daemon.isRunning(), await answers(port)]).toEqual([true, true])
  await expect(daemon.start()).rejects.toThrow('runs already')
  await daemon.stop()
  expect([daemon.isRunning(), await answers(port)]).toEqual([false, false])
  await daemon.start()
  await daemon.kill()
  expect(daemon.isRunning()).toBe(false)
  await daemon.stop()
})

test('what was killed has let go of its port, however long its end takes', async () => {
  // While a process gives back its memory, it has no command line any more, and still has its port.
  const { daemon, port } = await echo('globalThis.memory = Buffer.alloc(400_000_000, 1)')
  await daemon.start()
  await daemon.kill()
  const server = createServer()
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => server.close(resolve)))
})

test('while it is paused it answers nobody; it can be stopped all the same', async () => {
  const { daemon, port } = await echo()
  await daemon.start()
  await daemon.pause()
  expect([daemon.isRunning(), await answers(port, 200)]).toEqual([true, false])
  daemon.resume()
  expect(await answers(port)).toBe(true)
  await daemon.pause()
  expect([await daemon.stop(), daemon.isRunning()]).toEqual([true, false])
})

test('it is paused with all its threads when that has been said, however many others want the processors', async () => {
  const counting = `
    const { isMainThread, Worker } = require('node:worker_threads')
    const file = require('node:fs').openSync(__filename + '.count', isMainThread ? 'w' : 'r+')
    if (isMainThread) for (let n = 0; n < 4; n++) new Worker(__filename)
    else for (let n = 0; ; n++) require('node:fs').writeSync(file, String(n), 0)`
  const { daemon, place } = await echo(counting)
  const count = (): string => readFileSync(join(place.folder, 'server.cjs.count'), 'utf8')
  await daemon.start()
  await expect.poll(count).not.toBe('')
  for (let n = 0; n < 100; n++) {
    await daemon.pause()
    const before = count()
    await sleep(2)
    expect(count()).toBe(before)
    daemon.resume()
  }
})

test('what does not start says why', async () => {
  const { daemon, place } = await echo(`console.error('no such option: --x'); process.exit(1)`)
  await expect(daemon.start()).rejects.toThrow('no such option: --x')
  await expect(daemonAt({ ...place, program: join(place.folder, 'nothing') }, notReady).start()).rejects.toThrow('ENOENT')
})

test('what hangs is ended after the time that it has, which a variable can lengthen', async () => {
  const { place } = await echo(`console.error('warming up')`)
  const hanging = daemonAt({ ...place, startMs: 100 }, notReady)
  await expect(hanging.start()).rejects.toThrow(/is not ready after 100 ms \(.*WORKFLOW_TEST_START_SECONDS\)/)
  expect(hanging.isRunning()).toBe(false)
  vi.stubEnv('WORKFLOW_TEST_START_SECONDS', '0.2')
  await expect(hanging.start()).rejects.toThrow('is not ready after 200 ms')
  vi.stubEnv('WORKFLOW_TEST_START_SECONDS', 'long')
  await expect(hanging.start()).rejects.toThrow('must be a number of seconds')
  expect(hanging.isRunning()).toBe(false)
})

test('where somebody else has its port, it is not ready', async () => {
  const first = await echo()
  await first.daemon.start()
  const { place } = await echo()
  writeFileSync(join(place.folder, 'server.cjs'), `require('node:net').createServer().listen(${first.port}, '127.0.0.1')`)
  // Asked while the second is still on its way to find out.
  const isReady = async (): Promise<boolean> => {
    while (daemonAt(place, notReady).isRunning()) await answers(first.port)
    return answers(first.port)
  }
  await expect(daemonAt(place, isReady).start()).rejects.toThrow('EADDRINUSE')
})

test('what is asked to end and does not is killed', async () => {
  const { daemon } = await echo(`process.on('SIGTERM', () => {})`)
  await daemon.start()
  expect([await daemon.stop(200), daemon.isRunning()]).toEqual([false, false])
})

test('what a killed process leaves behind is stopped and deleted by whoever makes the next folder of its kind', async () => {
  const { daemon, place, port } = await echo()
  await daemon.start()
  const mine = await echo()
  own(mine.place)
  writeFileSync(join(place.folder, 'owner'), JSON.stringify({ pid: spawnSync(process.execPath, ['--eval', '']).pid, place }))
  const next = makeServerFolder<DaemonPlace>(kind, (left) => daemonAt(left, notReady).remove())
  expect([existsSync(place.folder), await answers(port), existsSync(mine.place.folder), existsSync(next)]).toEqual([
    false,
    false,
    true,
    true,
  ])
  rmSync(next, { recursive: true })
})

test('the process id of somebody else is signalled by nobody', async () => {
  const { daemon, place } = await echo()
  writeFileSync(join(place.folder, 'pid'), String(process.pid))
  expect(daemon.isRunning()).toBe(false)
  await daemon.stop()
  await daemon.kill()
})
