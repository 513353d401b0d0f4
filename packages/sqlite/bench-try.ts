import { unchecked, workflow } from '@workflow/core'
import { sqlite } from './src/index.ts'; import { rmSync } from 'node:fs'; rmSync('/tmp/lead/b.db', { force: true }); rmSync('/tmp/lead/b.db-wal', { force: true }); rmSync('/tmp/lead/b.db-shm', { force: true }); const db = sqlite({ file: '/tmp/lead/b.db', synchronous: (process.env['SYNC'] ?? 'NORMAL') as 'NORMAL' }); const memory = () => db
const c = workflow('bench', { object: unchecked<{ n: number, id: string, name: string }>(), graph: { a: { step: ['b'] }, b: { step: ['c'] }, c: { step: ['d'] }, d: {} } })
let left = 0; let done = () => {}
const wf = c
  .addStep('a', async (run) => { run.object.n++; return 'b' })
  .addStep('b', async (run) => { run.object.n++; return 'c' })
  .addStep('c', async (run) => { run.object.n++; return 'd' })
  .build(memory())
await wf.run()
const N = Number(process.argv[2] ?? 20000)
async function burst(tag: string) {
  const t = performance.now(); const cpu = process.cpuUsage()
  const ids = await Promise.all(Array.from({ length: N }, (_, i) => wf.trigger(tag + i, { initialValue: { n: 0, id: 'x' + i, name: 'hello world' } })))
  const t1 = performance.now()
  await Promise.all(ids.map((id) => wf.awaitCompletion(id)))
  const dt = performance.now() - t; const u = process.cpuUsage(cpu)
  console.log('burst', tag, 'trig ms', (t1 - t).toFixed(0), 'transitions/s', (N * 3 / dt * 1000).toFixed(0), 'cpu us/tr', ((u.user + u.system) / N / 3).toFixed(1), 'rss', (process.memoryUsage().rss / 1e6).toFixed(0))
}
async function windowed(tag: string) {
  const t = performance.now(); let i = 0
  await Promise.all(Array.from({ length: 1000 }, async () => { while (i < N) { const id = await wf.trigger(tag + i++, { initialValue: { n: 0, id: 'x' + i, name: 'hello world' } }); await wf.awaitCompletion(id) } }))
  const dt = performance.now() - t
  console.log('window', tag, 'transitions/s', (N * 3 / dt * 1000).toFixed(0))
}
async function idle() {
  const l: number[] = []
  for (let i = 0; i < 500; i++) { const t = performance.now(); await wf.awaitCompletion(await wf.trigger('i' + i, { initialValue: { n: 0, id: 'x', name: 'h' } })); l.push(performance.now() - t); await new Promise((r) => setTimeout(r, 1)) }
  l.sort((a, b) => a - b); console.log('idle p50', l[250]!.toFixed(3), 'p99', l[495]!.toFixed(3), 'max', l[499]!.toFixed(3))
}
for (const k of ['w', 'x', 'y']) { await burst('b' + k); await windowed(k) }
await idle()
await wf.stop(); await db.close()
