import { timerId, type TimerKey, type TimerOp } from '@workflow/core/adapter'

export interface ModelTimer {
  readonly key: TimerKey
  /** Its first time. Later ones are back-offs, and those bind whoever begins after them, not a write that is on its way. */
  readonly setForMs: number
  atMs: number
  held: boolean
  open: boolean
}

/** Every timer, as it must be by the operations that were committed. */
export class TimerModel {
  readonly #owners = new Map<string, Map<string, ModelTimer>>()

  find(key: TimerKey): ModelTimer | undefined {
    return this.#owners.get(key.owner)?.get(timerId(key))
  }

  /** The open timers of an owner. */
  open(owner: string): readonly ModelTimer[] {
    return [...(this.#owners.get(owner)?.values() ?? [])].filter((timer) => timer.open)
  }

  apply(ops: readonly TimerOp[]): void {
    for (const op of ops) this.#applyOne(op)
  }

  #applyOne(op: TimerOp): void {
    if ('put' in op) {
      const { key, at, held } = op.put
      let timers = this.#owners.get(key.owner)
      if (timers === undefined) this.#owners.set(key.owner, (timers = new Map()))
      const id = timerId(key)
      if (!timers.has(id)) timers.set(id, { key, setForMs: at.getTime(), atMs: at.getTime(), held, open: true })
    } else if ('settle' in op) {
      const timer = this.find(op.settle)
      if (timer !== undefined) timer.open = false
    } else if ('move' in op) {
      const timer = this.find(op.move)
      if (timer?.open === true) timer.atMs = op.at.getTime()
    } else if ('hold' in op) for (const timer of this.open(op.hold)) timer.held = true
    else if ('release' in op) for (const timer of this.open(op.release)) timer.held = false
    else for (const timer of this.open(op.cancelOwner)) timer.open = false
  }
}
