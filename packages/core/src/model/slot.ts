/**
 * The slot that a run lives in, 0 to `slots` - 1: FNV-1a over the UTF-16 code units of its id, unsigned. The number of
 * slots of a workflow is fixed when its topics are first created; this function is fixed for ever, because cursors of
 * running systems depend on it.
 *
 * Source: Fowler, Noll and Vo, http://www.isthe.com/chongo/tech/comp/fnv/ (32 bit).
 */
export function slotOf(runId: string, slots: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < runId.length; i++) {
    hash = Math.imul(hash ^ runId.charCodeAt(i), 0x01000193)
  }
  return (hash >>> 0) % slots
}
