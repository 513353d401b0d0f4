/**
 * Takes orders in, each once. An order that the database knows, finished or not, is left alone: so the same input can be
 * read again after any crash. Only the holder of a role takes in, because looking and starting are two things: two
 * processes that read the same file must not both find that a quick order is new.
 */
import { isWorkflowError, type RoleScheduler } from '@workflow/core'
import type { OrderClient } from './all-runs.ts'
import { Order } from './order.ts'
import { textLines, tooLong } from './text-lines.ts'

export interface IntakeOptions {
  readonly client: OrderClient
  readonly roleScheduler: RoleScheduler
  readonly chunks: AsyncIterable<string>
  /** At most this many orders. */
  readonly count: number
  /** Hears of every line that is not taken. */
  readonly report: (problem: string) => void
  readonly signal: AbortSignal
}

/** How the intake stands. Mutable by the intake alone. */
export interface IntakeResult {
  readonly state: 'waiting' | 'reading' | 'finished'
  /** New orders. */
  readonly started: number
  /** Orders that were in the database before. */
  readonly known: number
  readonly invalid: number
  /** Lines whose order an earlier line had. */
  readonly repeated: number
}

const atOnceMax = 64
const role = 'order-processing intake'

export class Intake {
  readonly #options: IntakeOptions
  /** Line by order id: what this input has brought so far. */
  readonly #lineOf = new Map<string, number>()
  readonly #inFlight = new Map<string, Promise<void>>()
  #failure: { readonly error: unknown } | undefined
  #result: IntakeResult = { state: 'waiting', started: 0, known: 0, invalid: 0, repeated: 0 }

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  get result(): IntakeResult {
    return this.#result
  }

  /** The ids of all orders that this input has brought, new or known. */
  get orderIds(): Iterable<string> {
    return this.#lineOf.keys()
  }

  /** Reads to the end, or to the abort. Rejects if the database fails for long; what was taken until then stays taken. */
  async run(): Promise<void> {
    const { roleScheduler, chunks, count, signal } = this.#options
    let lease = await roleScheduler.awaitRole(role, { signal, generation: 0 })
    try {
      this.#set({ state: 'reading' })
      let number = 0
      for await (const line of textLines(chunks)) {
        number += 1
        if (signal.aborted) break
        if (line !== tooLong && line.trim() === '') continue
        const order = this.#parse(line, number)
        if (order === undefined) continue
        if (!this.#lineOf.has(order.id) && this.#lineOf.size >= count) break
        await this.#room(order.id)
        if (!lease.isValid()) lease = await roleScheduler.awaitRole(role, { signal, generation: 0 })
        this.#begin(order, number)
        if (this.#failure !== undefined) break
      }
      await Promise.all(this.#inFlight.values())
      if (this.#failure !== undefined) throw this.#failure.error
      if (!signal.aborted) this.#set({ state: 'finished' })
    } finally {
      await lease.release()
    }
  }

  #begin(order: Order, number: number): void {
    const taking = this.#take(order, number)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => this.#inFlight.delete(order.id))
    this.#inFlight.set(order.id, taking)
  }

  /** Waits until few are under way, and nothing of the same order. */
  async #room(id: string): Promise<void> {
    while (this.#inFlight.has(id) || this.#inFlight.size >= atOnceMax)
      await (this.#inFlight.get(id) ?? Promise.race(this.#inFlight.values()))
  }

  #parse(line: string | typeof tooLong, number: number): Order | undefined {
    try {
      if (line === tooLong) throw new SyntaxError('the line is too long for an order')
      const result = Order.safeParse(JSON.parse(line))
      if (result.success) return result.data
      const issues = result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
      this.#reject(number, issues.join('; '))
    } catch (error) {
      this.#reject(number, error instanceof Error ? error.message : String(error))
    }
    return undefined
  }

  async #take(order: Order, number: number): Promise<void> {
    const earlier = this.#lineOf.get(order.id)
    if (earlier === undefined) this.#lineOf.set(order.id, number)
    const { client } = this.#options
    try {
      const [known] = (await client.list({ foreignId: order.id, order: 'newest', limit: 1 })).items
      // Not even one in progress is started again: it may end between this look and the start, and would be run twice.
      if (known !== undefined)
        return this.#known(order, number, earlier, known.finishedAt === undefined ? 'is already in progress' : `is already ${known.status}`)
      await client.trigger(order.id, { initialValue: order })
      this.#set({ started: this.#result.started + 1 })
    } catch (error) {
      if (isWorkflowError(error, 'WorkflowInProgress')) return this.#known(order, number, earlier, 'is already in progress')
      if (!isWorkflowError(error, 'InvalidArgument') && !isWorkflowError(error, 'Validation')) throw error
      this.#lineOf.delete(order.id)
      this.#reject(number, error.message)
    }
  }

  #known(order: Order, number: number, earlier: number | undefined, how: string): void {
    if (earlier === undefined) return this.#set({ known: this.#result.known + 1 })
    this.#set({ repeated: this.#result.repeated + 1 })
    this.#options.report(`line ${number}: order ${order.id} of line ${earlier} ${how}; not taken twice`)
  }

  #reject(number: number, problem: string): void {
    this.#set({ invalid: this.#result.invalid + 1 })
    this.#options.report(`line ${number}: skipped, ${problem}`)
  }

  #set(change: Partial<IntakeResult>): void {
    this.#result = { ...this.#result, ...change }
  }
}
