import type { Operation } from './driver.ts'

/** etcd takes 128 operations and 1.5 MiB at once. */
const operationsMax = 100
const bytesMax = 1_000_000

/** The operations in their order, as many together as etcd takes at once. */
export function batchesOf(operations: readonly Operation[]): readonly (readonly Operation[])[] {
  const batches: Operation[][] = []
  let [batch, bytes]: [Operation[], number] = [[], 0]
  for (const operation of operations) {
    const size = operation.type === 'put' ? Buffer.byteLength(operation.value) : 0
    if (batch.length >= operationsMax || (batch.length > 0 && bytes + size > bytesMax)) {
      batches.push(batch)
      ;[batch, bytes] = [[], 0]
    }
    batch.push(operation)
    bytes += size
  }
  return batch.length === 0 ? batches : [...batches, batch]
}
