/** What a network does. */
import { asksToCommit, type Direction, endsAnswer, type FaultProxy, type Link, type Verdict } from '../faults/fault-proxy.ts'
import { aMoment, type Scene, type Strike, struck } from './scene.ts'

/** How often one that could be hit is. */
const hitShare = 0.3

export const networkStrikes: Readonly<Record<string, Strike>> = {
  'connections cut': async (scene) => {
    for (const proxy of struck(scene)) proxy.cut()
  },
  'network away': async (scene) => {
    const hit = struck(scene)
    for (const proxy of hit) {
      proxy.refuses = true
      proxy.cut()
    }
    await aMoment(scene.random)
    for (const proxy of hit) proxy.refuses = false
  },
  'requests swallowed': (scene) => halfOpen(scene, 'requests'),
  'replies swallowed': (scene) => halfOpen(scene, 'replies'),
  'replies lost after commit': (scene) =>
    judging(scene, (direction, piece, { request }) =>
      direction === 'replies' && asksToCommit(request) && endsAnswer(piece) && scene.random() < hitShare ? 'cut' : 'pass',
    ),
  'cut in the middle of statements': (scene) =>
    judging(scene, (direction, piece) => (direction === 'requests' && asksToCommit(piece) && scene.random() < hitShare ? 'half' : 'pass')),
}

/** The connections that there are go silent; whoever notices makes new ones. */
async function halfOpen(scene: Scene, direction: Direction): Promise<void> {
  for (const proxy of struck(scene)) proxy.swallow(direction)
  await aMoment(scene.random)
}

async function judging(scene: Scene, judge: (direction: Direction, piece: Buffer, link: Link) => Verdict): Promise<void> {
  const hit: readonly FaultProxy[] = struck(scene)
  for (const proxy of hit) proxy.judge = judge
  await aMoment(scene.random)
  for (const proxy of hit) proxy.judge = undefined
}
