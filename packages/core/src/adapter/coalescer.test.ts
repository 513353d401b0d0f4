import { describe, expect, test } from 'vitest'
import { isWorkflowError } from '../errors.ts'
import { Coalescer, ItemFailure } from './coalescer.ts'

/** A wire whose batches are answered by hand. */
function manualWire(batchMax?: number) {
  const batches: { items: readonly number[]; answer: () => void; fail: (error: unknown) => void }[] = []
  const coalescer = new Coalescer<number, string>({
    ...(batchMax === undefined ? {} : { batchMax }),
    flush: (items) =>
      new Promise((resolve, reject) => {
        batches.push({
          items: [...items],
          answer: () => resolve(items.map((item) => (item < 0 ? new ItemFailure(new Error(`no ${item}`)) : `done ${item}`))),
          fail: reject,
        })
      }),
  })
  return { batches, coalescer }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Coalescer', () => {
  test('sends what came in one turn together, and what comes meanwhile as the next batch', async () => {
    const { batches, coalescer } = manualWire()
    const first = [coalescer.add(1), coalescer.add(2)]
    await turn()
    const second = [coalescer.add(3), coalescer.add(4)]
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2]])
    batches[0]?.answer()
    await Promise.all(first)
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([
      [1, 2],
      [3, 4],
    ])
    batches[1]?.answer()
    expect(await Promise.all([...first, ...second])).toEqual(['done 1', 'done 2', 'done 3', 'done 4'])
  })

  test('keeps to the largest batch and to the order', async () => {
    const { batches, coalescer } = manualWire(2)
    const all = Promise.all([1, 2, 3, 4, 5].map((item) => coalescer.add(item)))
    for (let i = 0; i < 3; i++) {
      await turn()
      batches[i]?.answer()
    }
    await all
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2], [3, 4], [5]])
  })

  test('rejects one item alone where its result is a failure', async () => {
    const { batches, coalescer } = manualWire()
    const outcomes = Promise.allSettled([coalescer.add(1), coalescer.add(-2), coalescer.add(3)])
    await turn()
    batches[0]?.answer()
    expect((await outcomes).map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  test('rejects a failed batch and goes on with the next', async () => {
    const { batches, coalescer } = manualWire(1)
    const first = coalescer.add(1)
    const second = coalescer.add(2)
    await turn()
    batches[0]?.fail(new Error('connection lost'))
    await expect(first).rejects.toThrow('connection lost')
    await turn()
    batches[1]?.answer()
    expect(await second).toBe('done 2')
  })

  test('rejects the batch when flush throws at once or answers too few results', async () => {
    const throwing = new Coalescer<number, string>({
      flush: () => {
        throw new Error('not connected')
      },
    })
    await expect(throwing.add(1)).rejects.toThrow('not connected')
    const short = new Coalescer<number, string>({ flush: async () => [] })
    await expect(short.add(1)).rejects.toThrow('one per item')
  })

  test('starts again after it was idle', async () => {
    const coalescer = new Coalescer<number, number>({ flush: async (items) => items })
    expect(await coalescer.add(1)).toBe(1)
    await turn()
    expect(await coalescer.add(2)).toBe(2)
    expect(coalescer.waiting).toBe(0)
  })

  test('gathers for as long as it is told to', async () => {
    const sizes: number[] = []
    const coalescer = new Coalescer<number, number>({
      gather: (send) => setImmediate(send),
      flush: async (items) => (sizes.push(items.length), items),
    })
    const first = coalescer.add(1)
    await Promise.resolve()
    await Promise.all([first, coalescer.add(2)])
    expect(sizes).toEqual([2])
  })

  test('answers everything taken before it was closed, and takes no more', async () => {
    const { batches, coalescer } = manualWire(1)
    const taken = [coalescer.add(1), coalescer.add(2)]
    let closed = false
    const closing = coalescer.close().then(() => {
      closed = true
    })
    await expect(coalescer.add(3)).rejects.toSatisfy((error) => isWorkflowError(error, 'Stopped'))
    await turn()
    batches[0]?.answer()
    await turn()
    expect(closed).toBe(false)
    batches[1]?.answer()
    await closing
    expect(await Promise.all(taken)).toEqual(['done 1', 'done 2'])
    await coalescer.close()
  })
})
