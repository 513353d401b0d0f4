/** How many records go in one request. */
import { type NewRecord, partitionKey } from './driver.ts'

/** A broker refuses batches over a megabyte, by default, and there is one batch per partition and request. */
const bytesPerPartition = 524_288
export const bytesPerRequest = 8_388_608
/** What a record takes beside its value: key, headers, lengths. */
const overheadBytes = 200

/** Splits records into requests that brokers take, in order. */
export function* requestsOf(records: readonly NewRecord[]): Iterable<readonly NewRecord[]> {
  let request: NewRecord[] = []
  let bytes = 0
  let byPartition = new Map<string, number>()
  for (const record of records) {
    const size = (record.value?.length ?? 0) + overheadBytes
    const key = partitionKey(record)
    const ofPartition = (byPartition.get(key) ?? 0) + size
    if (request.length > 0 && (ofPartition > bytesPerPartition || bytes + size > bytesPerRequest)) {
      yield request
      request = []
      bytes = 0
      byPartition = new Map()
    }
    request.push(record)
    bytes += size
    byPartition.set(key, (byPartition.get(key) ?? 0) + size)
  }
  if (request.length > 0) yield request
}
