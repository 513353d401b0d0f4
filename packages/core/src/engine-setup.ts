import { CommittedListeners, type EngineContext } from './engine/engine-context.ts'
import { Committer } from './engine/committer.ts'
import { HandOffCache } from './engine/hand-off-cache.ts'
import { Ids } from './engine/ids.ts'
import { jsonCodec } from './adapter/json-codec.ts'
import { ObjectCodec } from './engine/object-codec.ts'
import { safeInstrumentation } from './engine/safe-instrumentation.ts'
import { safeLogger } from './engine/safe-logger.ts'
import { StoreLimit } from './engine/store-limit.ts'
import { Topics } from './engine/topics.ts'
import type { ContractModel } from './model/definition.ts'
import type { ResolvedClientInfrastructure } from './resolved-infrastructure.ts'

/** Puts together what the engine of one workflow in this process shares. */
export function engineContext(contract: ContractModel, infrastructure: ResolvedClientInfrastructure): EngineContext {
  const { recordStore, eventStreamer, clock, random, instance, slots } = infrastructure
  const logger = safeLogger(infrastructure.logger)
  const instrumentation = safeInstrumentation(infrastructure.instrumentation, logger)
  const cache = new HandOffCache(clock)
  return {
    contract,
    store: recordStore,
    streamer: eventStreamer,
    clock,
    random,
    logger,
    instrumentation,
    instance,
    slots,
    storeLimit: new StoreLimit(clock, infrastructure.storeTimeoutMs),
    awaitPollingMs: infrastructure.awaitPollingFrequencyMs,
    foreignIdLengthMax: infrastructure.maxForeignIdLength,
    historyObjects: infrastructure.historyObjects,
    ids: new Ids(clock, random),
    codec: new ObjectCodec(contract, infrastructure.codec ?? jsonCodec, infrastructure.maxObjectBytes),
    topics: new Topics(contract),
    cache,
    committer: new Committer(recordStore, clock, random, cache, logger),
    committed: new CommittedListeners(),
  }
}
